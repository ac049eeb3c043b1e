"""A service that clients ask, with the keys of `tests/doors`."""

from tests.doors.conftest import keys
from tests.doors.served import service

__all__ = ["keys", "service"]
