"""Ask a service from Python: `Client`, or `AsyncClient` with asyncio, and their errors."""

from swatchbook.doors.client_errors import (
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
from swatchbook_client.async_client import AsyncClient
from swatchbook_client.client import Client

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
