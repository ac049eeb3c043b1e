"""Ask a service from Python: `Client`, and its errors."""

from swatchbook_client.client import Client
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
