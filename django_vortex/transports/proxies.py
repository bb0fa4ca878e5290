"""Recognise connections of trusted proxies, by the setting ``TRUSTED_PROXIES``."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

UNIX: Final = "unix"
"""Stands in the list for connections over a Unix socket, which have no address."""


def is_trusted(address: str, proxies: tuple[str, ...]) -> bool:
    """Return whether a connection comes from a proxy that is listed.

    Args:
        address: Of the other end of the socket, "" for a Unix socket.
        proxies: Addresses and networks, or `UNIX`.
    """
    if not address:
        return UNIX in proxies
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in _find_networks(proxies))


@lru_cache(maxsize=4)
def _find_networks(proxies: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    return [ip_network(one, strict=False) for one in proxies if one != UNIX]
