"""Which addresses of machines may be connected to: strangers may name public ones, operators all but those of clouds.

What asks a cloud's metadata service gets the keys of the machine, and link-local addresses lead to such services.
"""

import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from swatchbook.domain.errors import Configuration

_NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
"""IANA's special-purpose registries, listed here because those of the ipaddress module change with its version."""

_GLOBAL_IPV6 = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")  # contains an IPv4 address; with DNS64 every public host has such an address

_METADATA = tuple(
    ip_network(network)
    for network in (
        "169.254.0.0/16", "fe80::/10", "fd00:ec2::254", "fd20:ce::254", "fd00:42::42", "100.100.100.200",
        "168.63.129.16",
    )
)  # fmt: skip
"""Link-local addresses, and others of the metadata services of AWS, Google, Scaleway, Alibaba and Azure."""


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public Internet. IPv6 addresses that contain IPv4 are unpacked."""
    try:
        ip = ip_address(address)
    except ValueError:  # not an address, or one with an IPv6 zone
        return False
    ip = _unpacked(ip)
    if isinstance(ip, IPv6Address) and ip not in _GLOBAL_IPV6:
        return False
    return not any(ip in network for network in _NOT_PUBLIC)


def check_operators_url(url: str, setting: str, private_hosts: Collection[str]) -> None:
    """Check an address that an operator has set, which may be private; resolving its name blocks.

    Raises Configuration if its host has a link-local or metadata address, unless it is one of `private_hosts`.
    """
    host = urlsplit(url).hostname or ""
    if host in {each.casefold() for each in private_hosts}:
        return
    try:
        addresses = [ip_address(str(each[4][0])) for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, ValueError):  # what connects to it says so
        return
    if any(_unpacked(address) in network for address in addresses for network in _METADATA):
        raise Configuration(
            f"{setting} leads to a link-local address, or to that of a cloud's metadata service.",
            advice="Correct it, or name its host in SWATCHBOOK_FETCH_PRIVATE_HOSTS.",
        )


def _unpacked(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address contains, else the address itself."""
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else ip
