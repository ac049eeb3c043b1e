"""Fixtures of other folders: a service, with anna's sample, the deployment of an ingest."""

from tests.deployments.conftest import deployment, images_deployment
from tests.doors.conftest import client, keys
from tests.doors.pages import document, sample

__all__ = ["client", "deployment", "document", "images_deployment", "keys", "sample"]
