"""A file is whole or not there, whatever happens while it is written."""

import errno
from pathlib import Path
from typing import BinaryIO

import pytest

from swatchbook.domain.errors import DiskFull, InvalidReference
from swatchbook.upkeep.export.atomic_file import atomic_file


def test_old_file_stays_until_its_successor_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")
    with atomic_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def fail_half_way(file: BinaryIO, error: BaseException) -> None:
    file.write(b"half")
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError(), OSError(errno.EIO, "broken")])
def test_after_an_error_nothing_has_changed(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")
    with pytest.raises(type(error)), atomic_file(path) as file:
        fail_half_way(file, error)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match=r"a\.csv is not written"), atomic_file(tmp_path / "a.csv"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "no" / "a.csv", tmp_path / "file" / "a.csv", Path("/dev/null")):
        with pytest.raises(InvalidReference), atomic_file(path):
            pass


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "a.csv"
    link.symlink_to(tmp_path / "real" / "b.csv")
    with atomic_file(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert (tmp_path / "real" / "b.csv").read_bytes() == b"new"
