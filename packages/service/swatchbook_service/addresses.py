"""Read addresses that callers choose (Host, Origin, Referer, `next`): one that is malformed is None, no exception."""

from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import URL
from starlette.types import Scope


def split_address(address: str) -> SplitResult | None:
    """Return the parts of an address; None if it is malformed, such as `http://[` or one with port 99999."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 — raises for what is no port
    except ValueError:
        return None
    return parts


def split_host(host: str) -> SplitResult | None:
    """Return the parts of a Host header, with or without a port; None if it is malformed or holds more than a host."""
    parts = split_address(f"//{host}")
    return parts if parts and parts.netloc == host and "@" not in host else None


def has_sound_address(scope: Scope) -> bool:
    """Return whether the parts of a request's own address can be read: its path, and the Host header or headers."""
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    return all(map(split_host, hosts)) and split_address(str(URL(scope=scope))) is not None
