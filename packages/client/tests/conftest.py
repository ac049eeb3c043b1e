"""The keys of the services that clients ask: those of `tests/interface`."""

from tests.interface.conftest import keys

__all__ = ["keys"]
