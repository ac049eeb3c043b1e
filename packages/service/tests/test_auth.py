"""Who gets in, and what of others they see: nothing."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from swatchbook.domain.errors import Configuration
from swatchbook.domain.loopback import is_loopback
from swatchbook.domain.setting_values import ApiKey
from swatchbook.domain.settings import Settings, load_settings, origins
from swatchbook.doors.cli.config import describe
from swatchbook_service.app import create_app
from tests.doors.conftest import ALL, ANNA, BOTH, KEYS, asking, bearing
from tests.tables import rows_of


@pytest.mark.usefixtures("keys", "home")
def test_without_a_known_key_nothing_is_told() -> None:
    with asking() as client:
        for headers in ({}, bearing("nobody-0123456789abcdef")):
            refused = client.get("/documents", headers=headers)
            assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
            assert refused.headers["www-authenticate"].startswith("Bearer")
        for headers in (bearing(ANNA), {"X-API-Key": ANNA}):
            assert client.get("/documents", headers=headers).json() == {"documents": [], "next": None}
        for path in ("/health", "/metrics"):
            assert client.get(path, headers=bearing(ANNA)).status_code == 403
            assert client.get(path, headers=bearing(ALL)).status_code == 200


@pytest.mark.usefixtures("keys", "home")
def test_owner_comes_from_the_key_or_the_request() -> None:
    with asking() as client:

        def listed(key: str, **asked: str) -> int:
            return client.get("/documents", params=asked, headers=bearing(key)).status_code

        assert (listed(ANNA), listed(ANNA, owner="anna"), listed(ANNA, owner="bert")) == (200, 200, 403)
        assert (listed(BOTH), listed(BOTH, owner="bert"), listed(BOTH, owner="carl")) == (422, 200, 403)
        assert (listed(ALL), listed(ALL, owner="carl"), listed(ALL, owner="car l")) == (200, 404, 422)
        assert listed(ALL, owner="bert") == 200  # a key names him


@pytest.mark.usefixtures("home")
def test_other_machines_are_let_in_only_with_keys() -> None:
    for host in ["0.0.0.0", "::", "192.168.1.7", "swatchbook.example"]:
        with pytest.raises(Configuration, match="SWATCHBOOK_API_KEYS"):
            create_app(Settings(host=host))
        key = ApiKey(name="anna", key=SecretStr(ANNA), owners=("anna",))
        assert create_app(Settings(host=host, api_keys=(key,)))
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST"]))
    assert not any(map(is_loopback, ["", "0.0.0.0", "::", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1"]))


def test_foreign_page_cannot_use_a_service_without_keys(client: TestClient) -> None:
    rebound = client.get("/documents", headers={"Host": "evil.example:8420"})
    led = client.post("/documents", headers={"Origin": "http://evil.example"})
    assert (rebound.status_code, led.status_code) == (403, 403)
    assert client.get("/documents", headers={"Origin": "http://127.0.0.1:8420"}).status_code == 200
    assert client.get("/documents", headers={"Host": "[::1]:8420"}).status_code == 200
    for origin in ("http://[", "//[", "http://a]b"):
        assert client.post("/documents", headers={"Origin": origin}).status_code == 403


@pytest.mark.usefixtures("keys", "home")
def test_keys_are_never_shown() -> None:
    settings = load_settings()
    shown = json.dumps([row.model_dump() for row in describe(settings, origins())]) + repr(settings) + str(settings)
    assert "anna" in shown
    assert not any(key["key"] in shown for key in KEYS)  # type: ignore[operator]


HUSH = "hush-hush-hush-hush"


def test_wrong_keys_are_an_error_that_hides_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for written in rows_of(__file__, "wrong_keys"):
        monkeypatch.setenv("SWATCHBOOK_API_KEYS", written)
        with pytest.raises(Configuration, match="SWATCHBOOK_API_KEYS") as caught:
            load_settings()
        assert HUSH not in str(caught.value)
        assert caught.value.__cause__ is None
