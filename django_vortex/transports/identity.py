"""Make an `Identity` from the user, the session or the address of a request.

Takes what Django and the ASGI scope know of a request, gives what the server compares when a uuid
comes again (`Identity.may_be_taken_over_by`).
"""

from collections.abc import Iterable
from typing import Any

from django_vortex.server.identity import Identity
from django_vortex.transports.proxies import is_trusted

HeaderList = Iterable[tuple[bytes, bytes]]
"""The ``headers`` of an ASGI scope: names in lower case."""


def get_identity(user: Any, session: Any, address: str, key: str = "") -> Identity:
    """Return the strongest identity: by the user, else by the session, else by the address.

    Args:
        user: Django's user, anonymous or not, or None.
        session: Django's session, loaded, so that a key that the peer made up is gone from it.
        address: The client address.
        key: A digest of the key of the vortex's own session, "" if there is none.
    """
    if getattr(user, "is_authenticated", False):
        return Identity("user", str(user.pk), address, key)
    session_key = getattr(session, "session_key", None)
    if session_key:
        return Identity("session", str(session_key), address, key)
    return Identity("address", address, address, key)


def get_address(
    headers: HeaderList, connected: str, *, trusted_proxies: int | tuple[str, ...]
) -> str:
    """Return the client's address: that of the connection, or what trusted proxies say it is.

    Every proxy appends the address it was called from to ``X-Forwarded-For``. With N trusted
    proxies the N-th entry from the right was written by the first of them; what is further left
    came with the request and may be made up. With fewer entries than proxies the request came
    past some of them, and only the connection itself is believed. Where the proxies are listed,
    it is the first entry from the right, the connection itself included, that is none of them.

    Args:
        headers: Of the request.
        connected: The address of the connection, "" on a Unix socket.
        trusted_proxies: The setting ``TRUSTED_PROXIES``.
    """
    if not trusted_proxies:
        return connected
    hops = [
        hop.strip()
        for name, value in headers
        if name == b"x-forwarded-for"
        for hop in value.decode("latin-1").split(",")
    ]
    if isinstance(trusted_proxies, int):
        if len(hops) < trusted_proxies:
            return connected
        return _without_port(hops[-trusted_proxies]) or connected
    address = connected
    while hops and is_trusted(address, trusted_proxies):
        address = _without_port(hops.pop()) or address
    return address


def _without_port(hop: str) -> str:
    """Cut what some proxies append: ``1.2.3.4:567`` and ``[2001:db8::1]:567``."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    host, _, port = hop.rpartition(":")
    return host if port.isdigit() and "." in host else hop
