"""Pages of teaching as axe sees them: by the test of all pages, `packages/web/tests/test_web_browser.py`."""

import pytest
import test_web_browser as test_browser
from test_web_browser import browser, document, picture, service, test_axe_finds_nothing_wrong_and_nothing_moves

__all__ = ["browser", "document", "picture", "service", "test_axe_finds_nothing_wrong_and_nothing_moves"]

pytestmark = test_browser.pytestmark


@pytest.fixture(autouse=True)
def addresses(monkeypatch: pytest.MonkeyPatch, document: str) -> None:
    taught = [f"/ui/documents/{document}/{page}" for page in ("readings", "teach?page=3", "teach?likeliest=1")]
    monkeypatch.setattr(test_browser, "ADDRESSES", taught)
