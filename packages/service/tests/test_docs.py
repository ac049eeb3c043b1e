"""The page /docs works without any other host, under a policy that allows none."""

import subprocess
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from swatchbook.domain.settings import load_settings
from swatchbook_service import app
from tests.doors.conftest import asking
from tests.doors.served import served
from tests.needs import chromium

QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--virtual-time-budget=20000",
]  # fmt: skip


@pytest.mark.usefixtures("home")
def test_without_a_page_the_first_address_leads_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "installed", lambda kind: ())
    with asking() as client:
        assert client.get("/").url.path == "/docs"


def test_the_policy_allows_no_host_and_nothing_else_is_served(client: TestClient) -> None:
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
def test_a_browser_shows_the_api_and_reports_no_breach(home: Path, tmp_path: Path) -> None:
    with served(load_settings()) as service:
        shown = subprocess.run(
            [str(chromium()), *QUIET, "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'browser'}",
             "--dump-dom", f"{service.url}/docs"],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
    assert "/documents/{document_id}" in shown.stdout
    assert "Search by a picture" in shown.stdout
    assert "Content Security Policy" not in shown.stderr
