"""A collection whose files and index are in a bucket: the commands do what they do with a folder."""

import json
from pathlib import Path

import pytest

from swatchbook.domain.errors import Configuration
from swatchbook.domain.settings import load_settings
from swatchbook.doors.cli.doctor import check_files, check_index
from swatchbook.doors.cli.terminal import FAILED
from swatchbook.resources import open_resources
from swatchbook.store.files import object_store
from tests.command import run, run_json
from tests.s3_server import SECRET, Bucket


@pytest.fixture
def in_bucket(home: Path, minio_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    monkeypatch.setenv("SWATCHBOOK_FILES_URL", f"{minio_bucket.url}/files")
    monkeypatch.setenv("SWATCHBOOK_INDEX_URL", f"{minio_bucket.url}/index")
    return minio_bucket


def test_collection_in_bucket_is_ingested_verified_and_restored(
    in_bucket: Bucket, small_catalogue: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (report,) = run_json("ingest", str(small_catalogue), "--owner", "anna")
    assert report["images_complete"] == report["images_found"] > 0
    stored = [key for key in in_bucket.names() if key.startswith("files/") and "/results/" not in key]
    assert len(stored) > report["images_found"]
    assert not any((home / name).exists() for name in ("files", "index", "prefect/results"))
    results = [key for key in in_bucket.names() if key.startswith("files/results/")]
    serializers = {json.loads(in_bucket.read(key))["metadata"]["serializer"]["type"] for key in results}
    assert serializers == {"records"}  # no class that a catalogue names is imported
    assert "Nordvik Oak" in run("search", "oak", "--owner", "anna")
    assert run_json("upkeep", "verify", "--deep")["sound"]
    with open_resources(load_settings()) as tools:
        assert check_files(tools) == f"{in_bucket.url}/files"

    client = in_bucket.server.client()
    kept = run_json("upkeep", "backup", str(tmp_path / "backup"))
    (picture, *_) = [key for key in stored if key.endswith((".jpg", ".png"))]
    client.delete_object(Bucket=in_bucket.name, Key=picture)
    assert run_json("upkeep", "verify", expect=FAILED)["lost_files"] == [picture.rpartition("/")[2]]

    monkeypatch.setenv("SWATCHBOOK_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("SWATCHBOOK_FILES_URL", f"{in_bucket.url}/restored")
    monkeypatch.setenv("SWATCHBOOK_INDEX_URL", f"{in_bucket.url}/restored-index")
    run("upkeep", "restore", str(tmp_path / "backup"))
    assert run_json("upkeep", "verify", "--deep")["sound"]
    restored = [key for key in in_bucket.names() if key.startswith("restored/")]
    assert len(restored) == kept["files"]
    assert "Nordvik Oak" in run("search", "oak", "--owner", "anna")
    assert SECRET not in run("config")
    written = [path for path in (*home.rglob("*"), *tmp_path.rglob("*")) if path.is_file() and not path.is_symlink()]
    assert [path for path in written if path.name == "ledger.sqlite" or path.suffix == ".log"]
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == [], "no ledger and no log has it"


def test_doctor_names_a_server_without_conditional_writes(in_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_resources(load_settings()) as tools:
        assert in_bucket.url in check_index(tools)
        monkeypatch.setattr(object_store, "has_conditional_writes", lambda url: False)
        with pytest.raises(Configuration, match="If-None-Match"):
            check_index(tools)
