"""Ask a service from Python: `Client`, or `AsyncClient` with asyncio, and their errors."""

from swatchbook_client.client import AsyncClient, Client
from swatchbook_client.errors import (
    Conflict,
    Denied,
    Invalid,
    InvalidAddress,
    NoAnswer,
    NotFound,
    ServiceError,
    ServiceFailed,
    TooLarge,
    Unavailable,
)

__all__ = [
    "AsyncClient",
    "Client",
    "Conflict",
    "Denied",
    "Invalid",
    "InvalidAddress",
    "NoAnswer",
    "NotFound",
    "ServiceError",
    "ServiceFailed",
    "TooLarge",
    "Unavailable",
]
