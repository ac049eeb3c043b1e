"""The file store: what stands under a key is what the key says."""

import hashlib
from pathlib import Path

import pytest

from swatchbook.errors import InvalidReference
from swatchbook.storage.files import Files


def test_a_file_that_changes_while_it_is_read_is_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, source = Files(str(tmp_path / "files")), tmp_path / "growing.pdf"
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
def test_a_damaged_file_is_mended_by_storing_the_whole_one_again(tmp_path: Path, damage: bytes, by: str) -> None:
    files, source = Files(str(tmp_path / "files")), tmp_path / "whole.pdf"
    whole = b"%PDF-1.7 whole"
    source.write_bytes(whole)
    key = files.put_file(source)
    with files.local(key) as path:
        path.write_bytes(damage)
    assert not files.is_whole(key)
    assert key == (files.put_file(source) if by == "file" else files.put_bytes(whole, ".pdf"))
    assert files.read(key) == whole
