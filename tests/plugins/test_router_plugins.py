"""Routers of installed packages: part of the service, behind its keys."""

import json

import pytest

from swatchbook.domain.errors import Configuration
from swatchbook.domain.plugins import Kind
from tests.doors.conftest import ANNA, KEYS, asking, bearing
from tests.plugins.conftest import Install
from tests.tables import text_of

TELL = text_of(__file__, "tell")


@pytest.mark.usefixtures("home")
def test_endpoint_of_a_package_asks_for_a_key(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_API_KEYS", json.dumps(KEYS))
    install(TELL, {Kind.ROUTER: {"tell": "router"}})
    with asking() as client:
        assert client.get("/told").status_code == 401
        assert client.get("/told", headers=bearing(ANNA)).json() == "told"
        assert "/told" in client.get("/openapi.json", headers=bearing(ANNA)).json()["paths"]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("code", "says"),
    [("import nothing_of_this_name", "raised ModuleNotFoundError"), ("router = len", "is no APIRouter")],
)
def test_package_without_a_router_is_named(install: Install, code: str, says: str) -> None:
    module = install(code, {Kind.ROUTER: {"tell": "router"}})
    with pytest.raises(Configuration, match=f"The router plugin tell .swatchbook-{module} 0.1. {says}"), asking():
        pass
