"""A provider that answers and misbehaves as it is told."""

from tests.models.providers.conftest import there

__all__ = ["there"]
