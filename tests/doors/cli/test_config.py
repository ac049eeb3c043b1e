"""`swatchbook config`: what it shows and what it hides."""

from pydantic import SecretStr

from swatchbook.doors.cli.config import shown


def test_secrets_are_masked() -> None:
    assert "hush" not in shown(SecretStr("hush"))
    assert shown("postgresql://ann:hu:sh@db/swatchbook") == "postgresql://ann:••••••@db/swatchbook"
    assert "hush" not in shown("postgresql://db/swatchbook?user=ann&password=hush&ssl=on")
    assert shown("https://key@host/x?ssl=on") == "https://key@host/x?ssl=on"
    assert shown("http://127.0.0.1:8080") == "http://127.0.0.1:8080"
