"""Fixtures of `tests/doors` and `tests/store/ledger`: a service on a fresh home or with anna's sample, and a ledger."""

from tests.doors.conftest import client, keys
from tests.doors.pages import document, sample
from tests.store.ledger.conftest import database, ledger, new_ledger, postgres, postgres_template, url

__all__ = [
    "client", "database", "document", "keys", "ledger", "new_ledger", "postgres", "postgres_template", "sample", "url",
]  # fmt: skip
