"""Where a client connects, and with what: URLs of both transports, TLS, proxy, headers.

Takes what the application said, gives one `Address` for both transports: one TLS context, one
decision about a proxy.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from django_vortex.client.line import Address, SaySession
from django_vortex.exceptions import DefinitionError, quoted

FROM_ENVIRONMENT: Final = "environment"
"""The proxy is what the environment says (``HTTPS_PROXY``, ``NO_PROXY`` and so on)."""

_SCHEMES: Final = {"ws": "http", "wss": "https", "http": "http", "https": "https"}
_WEBSOCKET_SCHEMES: Final = {"http": "ws", "https": "wss"}


@dataclass(frozen=True, slots=True)
class Target:
    """What the application says about where to connect; an `Address` is made of it per attempt.

    Headers and cookies are the application's own mappings, which it may change between attempts.
    """

    url: SplitResult
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    ssl: ssl.SSLContext | None
    proxy: str | None
    idle_seconds: float

    @property
    def said(self) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and cookies as they are now."""
        return dict(self.headers), dict(self.cookies)

    def address(
        self, query: Mapping[str, str], token: str | None, say_session: SaySession | None = None
    ) -> Address:
        """Return the address for one attempt.

        Args:
            query: Who the client is.
            token: What this attempt, and no other, says in the Authorization header.
            say_session: See `Address`.
        """
        parts = [one for one in (self.url.query, urlencode(query)) if one]
        url = self.url._replace(query="&".join(parts))
        headers = dict(self.headers)
        if self.cookies:
            pairs = (f"{name}={value}" for name, value in self.cookies.items())
            headers["Cookie"] = "; ".join(pairs)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return Address(
            urlunsplit(url._replace(scheme=_WEBSOCKET_SCHEMES[url.scheme])),
            urlunsplit(url),
            headers,
            self.ssl,
            self.proxy,
            self.idle_seconds,
            say_session,
        )


def make_target(
    url: str,
    *,
    headers: Mapping[str, str],
    cookies: Mapping[str, str],
    context: ssl.SSLContext | None,
    proxy: str | None,
    idle_seconds: float,
) -> Target:
    """Check what the application says and decide about TLS and proxy.

    Raises:
        DefinitionError: The URL is none that a vortex can have.
    """
    parts = urlsplit(url)
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise DefinitionError(f"Expected a URL such as wss://example.org/vortex, got {quoted(url)}")
    if parts.fragment or parts.username or parts.password:
        raise DefinitionError("The URL of a vortex has no fragment and no password")
    if scheme == "http":
        context = None
    elif context is None:
        context = ssl.create_default_context()
    return Target(
        parts._replace(scheme=scheme),
        headers,
        cookies,
        context,
        get_proxy(parts.hostname, parts.port, scheme, proxy),
        idle_seconds,
    )


def get_proxy(host: str, port: int | None, scheme: str, proxy: str | None) -> str | None:
    """Return the proxy for a host, None for none; the own machine is never reached through one."""
    if proxy != FROM_ENVIRONMENT:
        return proxy
    if _is_loopback(host) or proxy_bypass(host if port is None else f"{host}:{port}"):
        return None
    known = getproxies()
    return known.get(scheme) or known.get("all")


def _is_loopback(host: str) -> bool:
    host = host.removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
