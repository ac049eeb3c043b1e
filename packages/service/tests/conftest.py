"""Fixtures of other folders: a service, with anna's sample, a ledger, the deployment of an ingest."""

from tests.deployments.conftest import deployment, images_deployment
from tests.doors.conftest import client, keys
from tests.doors.pages import document, sample
from tests.store.ledger.conftest import database, ledger, new_ledger, postgres, postgres_template, url

__all__ = [
    "client", "database", "deployment", "document", "images_deployment", "keys", "ledger", "new_ledger", "postgres",
    "postgres_template", "sample", "url",
]  # fmt: skip
