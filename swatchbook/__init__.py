"""Turn product catalogues into one searchable collection. This is the domain: plain Python, without Prefect or a web
framework. It also hands out what is imported only when it is asked for: for notebooks a collection on this machine
(`swatchbook.Swatchbook`, in `interface/python.py`); for programs that use a service the clients and their errors
(`swatchbook.Client`, `AsyncClient`, `ServiceError` …, in `interface/client.py`, `async_client.py`, `client_errors.py`).
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swatchbook.interface.async_client import AsyncClient
    from swatchbook.interface.client import Client
    from swatchbook.interface.client_errors import (
        Conflict,
        Denied,
        Invalid,
        NoAnswer,
        NotFound,
        ServiceError,
        ServiceFailed,
        TooLarge,
        Unavailable,
    )
    from swatchbook.interface.python import Swatchbook

__all__ = [
    "AsyncClient",
    "Client",
    "Conflict",
    "Denied",
    "Invalid",
    "NoAnswer",
    "NotFound",
    "ServiceError",
    "ServiceFailed",
    "Swatchbook",
    "TooLarge",
    "Unavailable",
]

_MODULES = {
    "AsyncClient": "swatchbook.interface.async_client",
    "Client": "swatchbook.interface.client",
    "Swatchbook": "swatchbook.interface.python",
}
"""Where a name comes from; the others are errors of the clients."""


def __getattr__(name: str) -> object:
    """Return one of the names above."""
    if name not in __all__:
        raise AttributeError(f"module 'swatchbook' has no attribute {name!r}")
    return getattr(import_module(_MODULES.get(name, "swatchbook.interface.client_errors")), name)
