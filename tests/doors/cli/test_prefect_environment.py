"""What Prefect is told before it is imported."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from swatchbook.domain.errors import Configuration
from swatchbook.domain.settings import Settings
from swatchbook.doors.prefect_server import check_database, prefect_environment, probe_prefect
from tests.store.ledger.damage import overwrite_pages


def test_prefect_stands_under_the_home_unless_told(tmp_path: Path) -> None:
    told = prefect_environment(Settings(home=tmp_path), {})
    assert told["PREFECT_HOME"] == str(tmp_path / "prefect")
    assert told["PREFECT_RESULTS_DEFAULT_SERIALIZER"] == "json"
    told = prefect_environment(
        Settings(home=tmp_path), {"PREFECT_HOME": "/srv/prefect", "PREFECT_LOGGING_LEVEL": "ERROR"}
    )
    assert told.keys().isdisjoint({"PREFECT_HOME", "PREFECT_LOGGING_LEVEL"})


def test_missing_prefect_server_is_named() -> None:
    for url in ["http://127.0.0.1:1/api", "no-address"]:
        with pytest.raises(Configuration, match="PREFECT_API_URL"):
            probe_prefect(url)


def test_a_damaged_database_of_prefect_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    check_database()  # of an installation that has had no run
    with closing(sqlite3.connect(tmp_path / "prefect.db")) as connection:
        connection.execute("CREATE TABLE runs AS SELECT randomblob(100000) AS content")
        connection.commit()
    check_database()
    overwrite_pages(tmp_path / "prefect.db")
    with pytest.raises(Configuration, match=r"prefect\.db is damaged\. Move it away"):
        check_database()
    (tmp_path / "prefect.db").write_bytes(b"no database" * 1000)
    with pytest.raises(Configuration, match="is damaged"):
        check_database()
