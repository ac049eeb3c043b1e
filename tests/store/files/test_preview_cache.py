"""The cache of previews stays below its limit, and a preview that cannot be kept is no error."""

import os
import time
from pathlib import Path

import pytest

from swatchbook.store.files.preview_cache import PreviewCache, source_of

SOURCE = "0" * 64 + ".pdf"


@pytest.fixture
def cache(tmp_path: Path) -> PreviewCache:
    return PreviewCache(tmp_path / "previews", tmp_path / "tmp", most_bytes=100)


def test_a_preview_is_found_by_name_with_source(cache: PreviewCache, tmp_path: Path) -> None:
    assert cache.get(f"{SOURCE}-p1-w800.png") is None
    assert list(cache.paths()) == []
    cache.put(f"{SOURCE}-p1-w800.png", b"page")
    assert cache.get(f"{SOURCE}-p1-w800.png") == b"page"
    assert [source_of(path) for path in cache.paths()] == [SOURCE]
    assert list((tmp_path / "tmp").iterdir()) == []
    assert (tmp_path / "previews").stat().st_mode & 0o777 == 0o700


def test_the_least_recently_used_previews_go(cache: PreviewCache) -> None:
    for number in range(10):
        cache.put(f"{SOURCE}-{number}", b"x" * 10)
    for path in cache.paths():
        age = 1_000 - int(path.name.rpartition("-")[2])
        os.utime(path, (time.time() - age,) * 2)
    assert cache.get(f"{SOURCE}-0") is not None  # used again
    cache.put(f"{SOURCE}-10", b"x" * 10)
    left = sorted(int(path.name.rpartition("-")[2]) for path in cache.paths())
    assert left == [0, 4, 5, 6, 7, 8, 9, 10]


def test_another_process_previews_count_too(cache: PreviewCache, tmp_path: Path) -> None:
    other = PreviewCache(tmp_path / "previews", tmp_path / "tmp", most_bytes=100)
    cache.put(f"{SOURCE}-1", b"x" * 60)
    other.put(f"{SOURCE}-2", b"x" * 60)
    assert len(list(cache.paths())) == 1


def test_a_preview_not_kept_is_only_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "previews").write_text("a file, not a folder")
    PreviewCache(tmp_path / "previews", tmp_path / "tmp").put(f"{SOURCE}-1", b"page")
    assert "not kept" in caplog.text
