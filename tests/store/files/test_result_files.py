"""Cached results of stages in a folder and in a bucket."""

import time
from pathlib import Path

import pytest

from swatchbook.domain.errors import FilesDown
from swatchbook.domain.settings import Settings
from swatchbook.store.files.file_store import open_files
from swatchbook.store.files.result_files import ResultFiles
from tests.s3_server import Bucket, leave_unanswered


def test_results_in_a_bucket_are_listed_and_deleted(bucket: Bucket, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, files_url=f"{bucket.url}/files")
    assert settings.results == f"{bucket.url}/files/results"
    results = ResultFiles(settings)
    assert list(results.listed()) == []
    bucket.put("files/results/read-1", b"{}")
    (found,) = results.listed()
    assert (found.name, found.size, abs(found.written - time.time()) < 60) == ("read-1", 2, True)
    assert results.has("read-1")
    assert not results.has("read")
    assert results.read("read-1") == b"{}"
    assert list(open_files(settings.files, tmp_path / "copies").keys()) == []  # no stored file
    results.delete("read-1")
    results.delete("read-1")
    assert bucket.names() == []
    with pytest.raises(FileNotFoundError):
        results.read("read-1")


def test_a_missing_result_store_is_an_outage(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_unanswered(monkeypatch)
    with pytest.raises(FilesDown):
        list(ResultFiles(Settings(home=tmp_path, files_url=bucket.url)).listed())
