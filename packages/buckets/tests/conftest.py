"""Clients of a service."""

from tests.doors.conftest import client, keys

__all__ = ["client", "keys"]
