"""Turn product catalogues into one searchable collection. This is the domain: plain Python, without Prefect or a web
framework. For programs that use a service, it also hands out the client and its errors (`swatchbook.Client`,
`swatchbook.ServiceError` …), which are in `interface/client.py` and are imported only when they are asked for.
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

__all__ = [
    "Client",
    "Conflict",
    "Denied",
    "Invalid",
    "NoAnswer",
    "NotFound",
    "ServiceError",
    "ServiceFailed",
    "TooLarge",
    "Unavailable",
]


def __getattr__(name: str) -> object:
    """Return a name of the client."""
    if name not in __all__:
        raise AttributeError(f"module 'swatchbook' has no attribute {name!r}")
    from interface import client

    return getattr(client, name)
