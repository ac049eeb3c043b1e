"""Fixtures of `tests/store/ledger` and `tests/doors`: a fresh ledger on each database, a service with anna's sample."""

import pytest

from swatchbook_teach.web import teach
from tests.doors.conftest import client, keys
from tests.doors.pages import document, resources, sample
from tests.store.ledger.conftest import (
    database,
    ledger,
    new_ledger,
    postgres,
    postgres_template,
    url,
)

__all__ = [
    "client", "database", "document", "keys", "ledger", "new_ledger", "postgres", "postgres_template",
    "resources", "sample", "url",
]  # fmt: skip


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes longer to read even a small document."""
    monkeypatch.setattr(teach, "PAGE_SECONDS", 60.0)
