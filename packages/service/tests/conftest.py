"""Fixtures of `tests/doors`: a service on a fresh home, and one with anna's sample."""

from tests.doors.conftest import client, keys
from tests.doors.pages import document, sample

__all__ = ["client", "document", "keys", "sample"]
