"""What is below a URL of a bucket, as a folder of this machine."""

from pathlib import Path

import pytest

from swatchbook.domain.errors import Configuration, FilesDown, InvalidReference
from swatchbook.domain.settings import Settings
from swatchbook_buckets import bucket_copy
from swatchbook_buckets.bucket_copy import Copied, copy_bucket
from tests.s3_server import Bucket, leave_unanswered
from tests.store.files.conftest import bucket

__all__ = ["bucket"]


def copied(bucket: Bucket, home: Path, prefix: str = "catalogues") -> Copied:
    return copy_bucket(
        Settings(home=home, max_document_mb=1),
        f"{bucket.url}/{prefix}",
        takes=lambda name: name.endswith((".pdf", ".png", ".json")),
    )


def files(found: Copied) -> dict[str, bytes]:
    paths = (path for path in found.path.rglob("*") if path.is_file())
    return {path.relative_to(found.path).as_posix(): path.read_bytes() for path in paths}


def test_objects_have_their_names_in_the_folder(bucket: Bucket, tmp_path: Path) -> None:
    there = {"spring.pdf": b"%PDF-1.7 spring", "oak/board.png": b"a picture", "items.json": b"[]"}
    for name, data in {**there, "notes.txt": b"not taken"}.items():
        bucket.put(f"catalogues/{name}", data)
    bucket.put("catalogues2/other.pdf", b"of another prefix")
    found = copied(bucket, tmp_path)
    assert files(found) == there
    assert (found.path.name, found.found, found.copied) == ("catalogues", 3, 3)


def test_only_new_and_changed_objects_are_copied(bucket: Bucket, tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf", "gone.pdf"):
        bucket.put(f"catalogues/{name}", b"%PDF " + name.encode())
    assert copied(bucket, tmp_path).copied == 3
    assert copied(bucket, tmp_path).copied == 0
    bucket.put("catalogues/b.pdf", b"%PDF B.pdf")  # as long as before
    bucket.put("catalogues/c.pdf", b"%PDF c")
    bucket.server.client().delete_object(Bucket=bucket.name, Key="catalogues/gone.pdf")
    again = copied(bucket, tmp_path)
    assert again.copied == 2
    assert files(again) == {"a.pdf": b"%PDF a.pdf", "b.pdf": b"%PDF B.pdf", "c.pdf": b"%PDF c"}


def test_interrupted_copy_goes_on_where_it_was(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        bucket.put(f"catalogues/{number}.pdf", b"%PDF")
    copy, done = bucket_copy._copy, list[str]()

    def interrupted(system: object, path: str, target: Path, temporary_folder: Path) -> None:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(path)
        copy(system, path, target, temporary_folder)

    with monkeypatch.context() as patched:
        patched.setattr(bucket_copy, "_copy", interrupted)
        with pytest.raises(KeyboardInterrupt):
            copied(bucket, tmp_path)
    with next((tmp_path / "buckets").iterdir()).joinpath("copied.jsonl").open("a") as notes:
        notes.write('["2.pd')  # cut short by the kill
    assert copied(bucket, tmp_path).copied == 2


def test_one_object_is_a_file_unless_too_large(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("catalogues/small.pdf", b"%PDF")
    bucket.put("catalogues/large.pdf", bytes((1 << 20) + 1))
    found = copied(bucket, tmp_path)
    assert (files(found), found.left_out) == ({"small.pdf": b"%PDF"}, ("large.pdf",))
    bucket.put("catalogues/spring", b"%PDF-1.7 spring")
    found = copied(bucket, tmp_path, "catalogues/spring")
    assert (found.path.name, found.path.read_bytes()) == ("spring", b"%PDF-1.7 spring")


@pytest.mark.parametrize("bucket", ["moto"], indirect=True)  # MinIO refuses such keys itself
def test_keys_that_are_no_filenames_are_left_out(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("catalogues/a.pdf", b"%PDF")
    for key in ("a//b.pdf", "../b.pdf", "a/../../b.pdf", f"{'x' * 300}.pdf"):
        bucket.put(f"catalogues/{key}", b"%PDF")
    found = copied(bucket, tmp_path)
    assert files(found) == {"a.pdf": b"%PDF"}
    assert {path.name for path in tmp_path.rglob("*.pdf")} == {"a.pdf"}


def test_nothing_there_is_told_from_no_answer(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidReference, match="no object"):
        copied(bucket, tmp_path, "nothing")
    with pytest.raises(Configuration, match="protocol"):
        copy_bucket(Settings(home=tmp_path), "strange://bucket", takes=bool)
    leave_unanswered(monkeypatch)
    with pytest.raises(FilesDown):
        copied(bucket, tmp_path)
