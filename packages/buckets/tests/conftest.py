"""Fixtures of `tests/store/ledger` and `tests/doors`: a fresh ledger on each database, and clients of a service."""

from tests.doors.conftest import client, keys
from tests.store.ledger.conftest import (
    database,
    ledger,
    new_ledger,
    postgres,
    postgres_template,
    url,
)

__all__ = [
    "client", "database", "keys", "ledger", "new_ledger", "postgres", "postgres_template",
    "url",
]  # fmt: skip
