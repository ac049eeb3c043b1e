"""A provider that answers and misbehaves as it is told, and a ledger."""

from tests.models.providers.conftest import there
from tests.store.ledger.conftest import database, ledger, new_ledger, postgres, postgres_template, url

__all__ = ["database", "ledger", "new_ledger", "postgres", "postgres_template", "there", "url"]
