"""Turn product catalogues into one searchable collection. This is the domain: plain Python, without Prefect or a web
framework. It also hands out what is imported only when it is asked for: for notebooks a collection on this machine
(`swatchbook.Swatchbook`, in `interface/python.py`); for programs that use a service the client and its errors
(`swatchbook.Client`, `swatchbook.ServiceError` …, in `interface/client.py`).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interface.client import (
        Client,
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
    from interface.python import Swatchbook

__all__ = [
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


def __getattr__(name: str) -> object:
    """Return a name of the client, or the collection of this machine."""
    if name not in __all__:
        raise AttributeError(f"module 'swatchbook' has no attribute {name!r}")
    if name == "Swatchbook":
        from interface import python

        return python.Swatchbook
    from interface import client

    return getattr(client, name)
