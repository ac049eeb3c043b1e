"""The rules for all pages hold for those of teaching: tests of `packages/web/tests/test_web_pages.py` look at them."""

import pytest
import test_web_pages as test_pages
from test_web_pages import (
    test_pages_load_only_from_here_and_label_cells,
    test_text_of_documents_is_never_markup,
)

__all__ = ["test_pages_load_only_from_here_and_label_cells", "test_text_of_documents_is_never_markup"]


@pytest.fixture(autouse=True)
def addresses(monkeypatch: pytest.MonkeyPatch, document: str) -> None:
    taught = [f"/ui/documents/{document}/{page}" for page in ("teach", "teach?likeliest=1", "readings")]
    monkeypatch.setattr(test_pages, "every_page", lambda *_: taught)
