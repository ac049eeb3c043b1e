"""The file store in an object store, over HTTP: what is under a key is what the key says, whoever dies meanwhile."""

import hashlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import s3fs
from botocore.exceptions import NoCredentialsError, ProfileNotFound

from swatchbook.domain.errors import Authentication, Configuration, FileMissing, FilesDown, InvalidReference
from swatchbook.store.files import object_store
from swatchbook.store.files.file_store import Files, open_files
from swatchbook.store.files.object_store import ObjectStore, has_conditional_writes
from tests.s3_server import SECRET, Bucket, leave_unanswered

PART = 5 << 20  # the least size of a part, but the last


@pytest.fixture
def files(bucket: Bucket, tmp_path: Path) -> Files:
    return open_files(f"{bucket.url}/shop/files", tmp_path / "copies")


def key_of(data: bytes, suffix: str = "") -> str:
    return hashlib.sha256(data).hexdigest() + suffix


def place_of(data: bytes, suffix: str = "") -> str:
    return f"shop/files/{key_of(data)[:2]}/{key_of(data, suffix)}"


@pytest.mark.gate
def test_what_is_put_is_read_from_any_machine(files: Files, bucket: Bucket, tmp_path: Path) -> None:
    source = tmp_path / "Oak.PDF"
    source.write_bytes(b"%PDF-1.7 oak")
    keys = {files.put_file(source), files.put_bytes(b"a picture", ".png")}
    assert keys == {key_of(b"%PDF-1.7 oak", ".pdf"), key_of(b"a picture", ".png")} == set(files.keys())
    assert sorted(bucket.names()) == sorted([place_of(b"%PDF-1.7 oak", ".pdf"), place_of(b"a picture", ".png")])
    elsewhere = open_files(files.url, tmp_path / "other machine")
    assert elsewhere.read(key_of(b"a picture", ".png")) == b"a picture"
    with elsewhere.local(key_of(b"%PDF-1.7 oak", ".pdf")) as path:
        assert (path.suffix, path.read_bytes()) == (".pdf", b"%PDF-1.7 oak")
    stored = elsewhere.find(key_of(b"a picture", ".png"))
    assert stored is not None
    assert (stored.size, abs(stored.modified - time.time()) < 60) == (9, True)
    assert elsewhere.is_whole(key_of(b"a picture", ".png"))


def test_missing_key_is_missing(files: Files) -> None:
    key = key_of(b"never stored")
    assert not files.has(key)
    assert list(files.keys()) == []
    for ask in (files.size, files.read, files.is_whole):
        with pytest.raises(FileMissing):
            ask(key)
    files.delete(key)
    with pytest.raises(InvalidReference):
        files.has("../" + key)


@pytest.mark.stack
@pytest.mark.parametrize("bucket", ["minio"], indirect=True)  # moto takes a minute for so many bytes
def test_large_file_is_sent_in_parts(files: Files, bucket: Bucket, tmp_path: Path) -> None:
    data = os.urandom(1 << 20) * 120  # over twice the size of a part of s3fs
    source = tmp_path / "large.pdf"
    source.write_bytes(data)
    key = files.put_file(source)
    head = bucket.server.client().head_object(Bucket=bucket.name, Key=place_of(data, ".pdf"))
    assert "-" in head["ETag"]  # the mark of an object of several parts
    assert open_files(files.url, tmp_path / "other machine").is_whole(key)
    with open_files(files.url, tmp_path / "other machine").local(key) as path:
        assert path.stat().st_size == len(data)


def test_pieces_that_fail_leave_no_object(bucket: Bucket, tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"a part"
        raise InvalidReference("the rest is gone")

    with pytest.raises(InvalidReference):
        ObjectStore(f"{bucket.url}/shop/files", tmp_path / "copies").write(key_of(b"a part and more"), broken())
    assert bucket.names() == []


def test_a_file_is_sent_again_only_when_old(files: Files, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    client, data = bucket.server.client(), b"a picture"
    key = files.put_bytes(data)
    client.put_object_tagging(
        Bucket=bucket.name, Key=place_of(data), Tagging={"TagSet": [{"Key": "sent", "Value": "first"}]}
    )
    assert files.put_bytes(data) == key
    tags = client.get_object_tagging(Bucket=bucket.name, Key=place_of(data))["TagSet"]
    assert tags == [{"Key": "sent", "Value": "first"}]
    monkeypatch.setattr(object_store, "RENEW_SECONDS", -60.0)
    assert files.put_bytes(data) == key
    assert client.get_object_tagging(Bucket=bucket.name, Key=place_of(data))["TagSet"] == []


def test_only_whole_objects_and_copies_are_read(files: Files, bucket: Bucket, tmp_path: Path) -> None:
    key = key_of(b"whole")
    bucket.put(place_of(b"whole"), b"who")
    assert not files.is_whole(key)
    with pytest.raises(FileMissing, match="damaged"):
        files.read(key)
    files.put_bytes(b"whole")
    elsewhere = open_files(files.url, tmp_path / "other machine")
    assert elsewhere.read(key) == b"whole"
    bucket.put(place_of(b"whole"), b"other")
    assert elsewhere.read(key) == b"whole", "the copy, whose bytes match the key"
    assert not elsewhere.is_whole(key)
    bucket.server.client().delete_object(Bucket=bucket.name, Key=place_of(b"whole"))
    assert (elsewhere.read(key), elsewhere.has(key)) == (b"whole", False)
    key = files.put_bytes(b"private")
    files.delete(key)
    assert (bucket.names(), list((tmp_path / "copies").glob(f"*{key}*"))) == ([], [])


def test_copies_stay_below_limit_unless_in_use(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "COPIES_BYTES", 2_000)
    files = open_files(bucket.url, tmp_path / "copies")
    keys = [files.put_bytes(bytes([number]) * 900) for number in range(5)]
    with files.local(keys[0]) as used:
        for key in keys[1:]:
            assert len(files.read(key)) == 900
        assert used.read_bytes() == bytes(900)
    kept = list((tmp_path / "copies").iterdir())
    assert sum(path.stat().st_size for path in kept) <= 2_000
    assert all(not path.name.startswith(".") for path in kept)


def test_upload_that_nobody_completed_is_ended(files: Files, bucket: Bucket) -> None:
    client = bucket.server.client()
    place = place_of(b"large")
    begun = client.create_multipart_upload(Bucket=bucket.name, Key=place)
    client.upload_part(Bucket=bucket.name, Key=place, UploadId=begun["UploadId"], PartNumber=1, Body=bytes(PART))
    client.create_multipart_upload(Bucket=bucket.name, Key="somebody else's")
    assert not files.has(key_of(b"large"))
    assert files.end_unfinished(older_than=3e9) == 0
    if _lists_uploads_by_bucket(bucket):
        assert files.end_unfinished(older_than=-60) == 1
        left = client.list_multipart_uploads(Bucket=bucket.name)["Uploads"]
        assert [each["Key"] for each in left] == ["somebody else's"]


def _lists_uploads_by_bucket(bucket: Bucket) -> bool:
    """MinIO lists the uploads of one key only, and ends those of a day by itself."""
    return bool(bucket.server.client().list_multipart_uploads(Bucket=bucket.name).get("Uploads"))


def test_missing_store_is_an_outage_without_secrets(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    leave_unanswered(monkeypatch)
    files = open_files(f"{bucket.url}/files", tmp_path / "copies")
    with caplog.at_level(logging.DEBUG, logger="swatchbook"):
        with pytest.raises(FilesDown, match="does not answer") as down:
            files.put_bytes(b"a picture")
        assert SECRET not in str(down.value)
    assert SECRET not in caplog.text


def test_refused_or_missing_credentials_block_with_a_sentence(files: Files) -> None:
    for error in (PermissionError("Access Denied"), NoCredentialsError(), ProfileNotFound(profile="shop")):
        store: Any = files

        def refuse(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        store._fs.info = refuse
        with pytest.raises(Authentication, match="refuses the credentials") as refused:
            files.has(key_of(b"a"))
        assert "Denied" not in str(refused.value)


def test_unknown_buckets_and_protocols_are_named(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(Configuration, match="s3://no-such-bucket-here/files does not exist"):
        open_files("s3://no-such-bucket-here/files", tmp_path / "copies").put_bytes(b"a picture")
    with pytest.raises(Configuration, match="SWATCHBOOK_FILES_URL cannot be opened: its protocol, strange://"):
        open_files("strange://bucket/files", tmp_path)


def test_servers_that_ignore_conditions_are_noticed(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_conditional_writes(f"{bucket.url}/index") is True
    assert has_conditional_writes("gs://shop/index") is None
    call = s3fs.S3FileSystem.call_s3

    def ignoring(system: Any, method: str, **given: Any) -> Any:
        given.pop("IfNoneMatch", None)
        return call(system, method, **given)

    monkeypatch.setattr(s3fs.S3FileSystem, "call_s3", ignoring)
    assert has_conditional_writes(f"{bucket.url}/index") is False
    assert bucket.names() == []
