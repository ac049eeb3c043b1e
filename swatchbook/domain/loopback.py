"""Tell whether a host name or address is this machine: only then may keys travel, or be left out, without TLS."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Return whether a host name or address (without port) is loopback."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
