"""Where each file of a folder belongs."""

import os
from pathlib import Path

import pytest

from swatchbook.domain.errors import InvalidReference, UnsupportedFormat
from swatchbook.ingest.find_sources import find_sources
from swatchbook.store.ledger.stored_documents import BATCH, FOLDER, PDF
from tests.tables import rows_of


def made(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def found(path: Path) -> list[tuple[str, str]]:
    sources = find_sources(path)
    return [(os.path.relpath(source.path, path), source.kind) for source in sources]


def test_mixed_folder_gives_each_file_its_place(tmp_path: Path) -> None:
    made(
        tmp_path, "b.pdf", "1.jpg", "notes.txt", ".hidden.png", ".git/x.png", "deep/er/A.PDF", "deep/2.png",
        "shop/items.jsonl", "shop/photos/3.jpg", "shop/photos/more.jsonl", "shop/leaflet.pdf", "old/items.jsonl",
    )  # fmt: skip
    assert found(tmp_path) == [
        ("b.pdf", PDF), ("deep/er/A.PDF", PDF), ("old", BATCH), ("shop", BATCH), ("shop/leaflet.pdf", PDF),
        (".", FOLDER),
    ]  # fmt: skip


def test_sidecar_above_folders_of_pictures_makes_no_batch(tmp_path: Path) -> None:
    made(tmp_path, "chairs/1.jpg", "tables/2.jpg", "shop/metadata.jsonl", "shop/photos/3.jpg")
    (tmp_path / "metadata.csv").write_text("file_name,title\nchairs/1.jpg,Chair\n")
    assert found(tmp_path) == [("shop", BATCH), (".", FOLDER)]


def test_file_is_taken_by_its_suffix_or_content(tmp_path: Path) -> None:
    for name, kind in rows_of(__file__, "named"):
        assert found(made(tmp_path, name) / name) == [(".", kind)]
    for content, kind in rows_of(__file__, "content"):
        (tmp_path / "export").write_text(content)
        assert found(tmp_path / "export") == [(".", kind)]
    for content, reason in rows_of(__file__, "refused"):
        (tmp_path / "export").write_text(content)
        with pytest.raises(UnsupportedFormat, match=reason):
            found(tmp_path / "export")


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    made(tmp_path / "batch", "items.jsonl", "1.jpg")
    made(tmp_path / "elsewhere", "2.jpg", "b.pdf")
    (tmp_path / "batch" / "link").symlink_to(tmp_path / "elsewhere")
    assert found(tmp_path / "batch") == [(".", BATCH)]
    assert found(made(tmp_path / "neither", "notes.txt")) == []


def test_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidReference, match="no such file or folder"):
        find_sources(tmp_path / "nowhere")
    with pytest.raises(InvalidReference, match="name too long"):
        find_sources(tmp_path / ("a" * 300))
