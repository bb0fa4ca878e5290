"""Check the ``Host`` and the ``Origin`` of a request.

Takes the headers and the scheme of a request, gives yes or no. There is no CSRF token on either
transport, so the ``Origin`` header, which a page can not forge, is what keeps foreign pages from
acting as the user whose cookies the browser adds. Programs that are no browsers send none and are
let in: they have no user's cookies either.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain

from django_vortex.transports.asgi_types import Scope

HeaderList = Collection[tuple[bytes, bytes]]

DEFAULT_PORTS = {"http": "80", "https": "443"}
DEBUG_HOSTS = (".localhost", "127.0.0.1", "[::1]")
"""What Django allows while debugging when ``ALLOWED_HOSTS`` is empty."""


def is_host_allowed(headers: HeaderList, server: Sequence[Any] | None) -> bool:
    """Return whether a request is for a host that ``ALLOWED_HOSTS`` names.

    Django asks this of requests only, and only where something calls ``get_host()``. A page whose
    name was pointed at this server is one that the host of its WebSockets gives away.

    Args:
        headers: Of the request, names in lower case.
        server: ``scope["server"]``, which stands in for a missing header, as in Django.
    """
    hosts = _find_values(headers, b"host")
    if len(hosts) > 1:
        return False  # each server and proxy on the way may go by another one
    host = _choose_host(headers, hosts) or (str(server[0]) if server else "")
    return _is_valid(host, _allowed_hosts())


def is_origin_allowed(
    headers: HeaderList, *, is_secure: bool, allowed_origins: Iterable[str]
) -> bool:
    """Return whether the page that a request comes from may talk to us.

    Allowed is the origin of the request itself; what ``ALLOWED_ORIGINS`` or Django's own
    ``CSRF_TRUSTED_ORIGINS`` list (``https://*.example.com`` for all sub-domains); and hosts that
    ``ALLOWED_HOSTS`` names, with the port that the request came to or their scheme's default one,
    which is what pages have behind a proxy that rewrites host or scheme. The ``*`` of
    ``ALLOWED_HOSTS`` says that any name may lead here, not that any page is a friend.

    Args:
        headers: Of the request, names in lower case.
        is_secure: Whether the request came over TLS, as far as the server knows.
        allowed_origins: The setting ``ALLOWED_ORIGINS``.
    """
    origins = _find_values(headers, b"origin")
    if not origins:
        return True
    if len(origins) > 1:
        return False
    origin = origins[0].lower()
    listed = [*allowed_origins, *settings.CSRF_TRUSTED_ORIGINS]
    if origin in (one.lower() for one in listed):
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in DEFAULT_PORTS or not parts.netloc:
        return False  # the "null" of a sandbox or a file is nobody's origin
    if any(_is_subdomain(parts, one) for one in listed):
        return True
    host = _choose_host(headers, _find_values(headers, b"host"))
    return _is_own(parts, host, is_secure) or _is_named(parts, host, is_secure)


def is_websocket_secure(scope: Scope) -> bool:
    """Return whether a WebSocket came over TLS, to us or to a proxy that says so.

    Django looks at ``SECURE_PROXY_SSL_HEADER`` for requests only. Without it a page that somebody
    on the wire has written into would be let in here and nowhere else.
    """
    if settings.SECURE_PROXY_SSL_HEADER:
        variable, secure_value = settings.SECURE_PROXY_SSL_HEADER
        name = variable.removeprefix("HTTP_").replace("_", "-").lower().encode("latin-1")
        for value in _find_values(scope["headers"], name):
            return value.partition(",")[0].strip() == secure_value
    return scope.get("scheme") == "wss"


def _is_own(origin: SplitResult, host: str, is_secure: bool) -> bool:
    """Return whether the page comes from where the request goes to; the name must be ours.

    A page with TLS is its own even where we see none: a proxy has ended it, or the server does not
    say so (Daphne's WebSockets have no scheme).
    """
    schemes = ("https",) if is_secure else ("https", "http")
    return origin.scheme in schemes and origin.netloc == host and _is_valid(host, _allowed_hosts())


def _is_named(origin: SplitResult, host: str, is_secure: bool) -> bool:
    """Return whether ``ALLOWED_HOSTS`` names the host of a page on a port that is likely ours."""
    if is_secure and origin.scheme != "https":
        return False  # who sits on the wire can write into pages without TLS
    named = tuple(pattern for pattern in _allowed_hosts() if pattern != "*")
    if not _is_valid(origin.netloc, named):
        return False
    port = split_domain_port(origin.netloc)[1] or DEFAULT_PORTS[origin.scheme]
    return port in (DEFAULT_PORTS[origin.scheme], split_domain_port(host)[1])


def _is_subdomain(origin: SplitResult, listed: str) -> bool:
    scheme, _, pattern = listed.lower().partition("://")
    return (
        pattern.startswith("*.")
        and origin.scheme == scheme
        and is_same_domain(origin.netloc, pattern[1:])
    )


@lru_cache(maxsize=64)
def _is_valid(host: str, patterns: tuple[str, ...]) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, patterns)


def _allowed_hosts() -> tuple[str, ...]:
    allowed = tuple(settings.ALLOWED_HOSTS)
    return allowed if allowed or not settings.DEBUG else DEBUG_HOSTS


def _choose_host(headers: HeaderList, hosts: list[str]) -> str:
    """Return where a request goes to, as Django finds it.

    Args:
        headers: Of the request.
        hosts: The values of its ``Host`` header.
    """
    if settings.USE_X_FORWARDED_HOST:
        hosts = _find_values(headers, b"x-forwarded-host") or hosts
    return hosts[0].lower() if hosts else ""


def _find_values(headers: HeaderList, name: bytes) -> list[str]:
    return [value.decode("latin-1") for one, value in headers if one == name]
