"""Fixtures of `tests/doors`: a service with anna's sample."""

from tests.doors.pages import document, resources, sample

__all__ = ["document", "resources", "sample"]
