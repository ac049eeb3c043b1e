"""`swatchbook config`: what it shows and what it hides."""

from pathlib import Path

from pydantic import SecretStr

from swatchbook.domain.settings import FIELDS, Settings, origins, variable
from swatchbook.doors.cli.config import describe, shown


def test_every_setting_is_listed_with_its_origin(home: Path) -> None:
    rows = {row.variable: row for row in describe(Settings(), origins())}
    assert set(rows) == set(map(variable, FIELDS))
    assert (rows["SWATCHBOOK_HOME"].value, rows["SWATCHBOOK_HOME"].origin) == (str(home), "environment")
    assert all(row.description for row in rows.values())


def test_secrets_are_masked() -> None:
    assert "hush" not in shown(SecretStr("hush"))
    assert shown("postgresql://ann:hu:sh@db/swatchbook") == "postgresql://ann:••••••@db/swatchbook"
    assert "hush" not in shown("postgresql://db/swatchbook?user=ann&password=hush&ssl=on")
    assert shown("https://key@host/x?ssl=on") == "https://key@host/x?ssl=on"
    assert shown("http://127.0.0.1:8080") == "http://127.0.0.1:8080"
