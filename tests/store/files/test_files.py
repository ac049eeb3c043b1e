"""The file store: what stands under a key is what the key says."""

import ctypes
import errno
import hashlib
import os
from pathlib import Path

import pytest

from swatchbook.domain.errors import DiskFull, InvalidReference
from swatchbook.store.files.file_store import open_files


def test_a_file_changing_while_read_is_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, source = open_files(str(tmp_path / "files")), tmp_path / "growing.pdf"
    source.write_bytes(b"%PDF-1.7 first")
    digest = hashlib.file_digest

    def grow_after(file: object, name: str) -> object:
        found = digest(file, name)  # type: ignore[arg-type]
        with source.open("ab") as more:
            more.write(b" and more")
        return found

    monkeypatch.setattr(hashlib, "file_digest", grow_after)
    with pytest.raises(InvalidReference, match="changed"):
        files.put_file(source)
    assert not list(files.keys())
    assert not list((tmp_path / "files").rglob(".writing-*"))


@pytest.mark.parametrize("damage", [b"", b"%PDF-1.7 whol", b"%PDF-1.7 wholX"], ids=["empty", "cut short", "changed"])
@pytest.mark.parametrize("by", ["bytes", "file"])
def test_a_damaged_file_is_mended_by_storing_again(tmp_path: Path, damage: bytes, by: str) -> None:
    files, source = open_files(str(tmp_path / "files")), tmp_path / "whole.pdf"
    whole = b"%PDF-1.7 whole"
    source.write_bytes(whole)
    key = files.put_file(source)
    with files.local(key) as path:
        path.write_bytes(damage)
    assert not files.is_whole(key)
    assert key == (files.put_file(source) if by == "file" else files.put_bytes(whole, ".pdf"))
    assert files.read(key) == whole


def test_files_put_without_flush_are_flushed_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, source = open_files(str(tmp_path / "files")), tmp_path / "picture.png"
    files.flush_all()  # there is no folder yet
    source.write_bytes(b"picture")
    monkeypatch.setattr(os, "fsync", lambda handle: pytest.fail("a file was flushed by itself"))
    key = files.put_file(source, flush=False)
    assert files.read(key) == b"picture"
    files.flush_all()


def test_a_disk_that_fails_to_flush_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = open_files(str(tmp_path))

    class FullDisk:
        def syncfs(self, handle: int) -> int:
            ctypes.set_errno(errno.ENOSPC)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda name, use_errno: FullDisk())
    with pytest.raises(DiskFull):
        files.flush_all()
