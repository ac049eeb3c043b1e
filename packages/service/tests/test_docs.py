"""The page /docs works without any other host, under a policy that allows none."""

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser

from swatchbook.domain.settings import load_settings
from swatchbook_service import app
from tests.chrome import browser, opened
from tests.doors.conftest import asking
from tests.doors.served import served

__all__ = ["browser"]  # a fixture


@pytest.mark.usefixtures("home")
def test_without_a_page_the_first_address_leads_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "installed", lambda kind: ())
    with asking() as client:
        assert client.get("/").url.path == "/docs"


def test_policy_allows_no_hosts_and_no_other_files(client: TestClient) -> None:
    policy = client.get("/docs").headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert {rules[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert "unsafe" not in policy
    assert "http" not in policy
    assert client.get("/documents").headers["content-security-policy"].startswith("default-src 'none'")
    for path in ["/redoc", "/docs/oauth2-redirect"]:
        assert client.get(path).status_code in (404, 422)
    for name in ["../docs.py", "..%2Fdocs.py", "LICENSE", "%2Fetc%2Fpasswd"]:
        assert client.get(f"/docs/{name}").status_code in (404, 422)


@pytest.mark.needs("chromium")
@pytest.mark.usefixtures("home")
def test_browser_shows_the_api_without_a_policy_breach(browser: Browser) -> None:
    with served(load_settings()) as service, opened(browser, service) as (_, tab):
        tab.goto("/docs")
        tab.get_by_text("Search by a picture").wait_for()
        assert "/documents/{document_id}" in tab.content()
