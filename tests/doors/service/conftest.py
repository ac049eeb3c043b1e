"""Fixtures of `tests/doors`: a service with anna's sample."""

from tests.doors.pages import document, sample

__all__ = ["document", "sample"]
