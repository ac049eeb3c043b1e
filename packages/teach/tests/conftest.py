"""A service with anna's sample."""

import pytest

from swatchbook_teach.web import teach
from tests.doors.conftest import client, keys
from tests.doors.pages import document, resources, sample

__all__ = ["client", "document", "keys", "resources", "sample"]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes longer to read even a small document."""
    monkeypatch.setattr(teach, "PAGE_SECONDS", 60.0)
