"""A service that clients ask, with the keys of `tests/doors`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.domain.settings import load_settings
from tests.doors.conftest import keys
from tests.doors.served import Served, served

__all__ = ["keys"]


@pytest.fixture
def service(filled: Path, keys: None) -> Iterator[Served]:
    """A service with keys that holds anna's sample."""
    with served(load_settings()) as service:
        yield service
