"""Check host, origin and URL of a request before the server opens a connection.

Takes an ASGI scope, gives a `Caller` or the `Refusal` to answer with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

from django_vortex.conf import get_settings
from django_vortex.exceptions import quoted
from django_vortex.logs import get_limited_logger
from django_vortex.routing.peer import Peer
from django_vortex.server.identity import Identity
from django_vortex.transports.credentials import find_session
from django_vortex.transports.flow import SCOPE_KEY, Flow
from django_vortex.transports.identity import get_address, get_identity
from django_vortex.transports.origin import is_host_allowed, is_origin_allowed
from django_vortex.transports.refusal import (
    BAD_HOST,
    BAD_ORIGIN,
    BAD_SESSION,
    NO_UUID,
    Refusal,
)
from django_vortex.wire.dialects import NATIVE_NAME, Dialect, get_native
from django_vortex.wire.opening import Opening, read_opening
from django_vortex.wire.versions import OLDEST_VERSION, UNNUMBERED_VERSION

logger = get_limited_logger(__name__)

MAX_URL_VALUE_CHARACTERS = 200
"""Longest uuid or name; uuids of released clients have 36."""

MAX_VERSION_DIGITS = 9

KEY_CHARACTERS = 32
"""How much of the digest of a session's key is compared."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What the URL and the headers say about whoever wants to connect."""

    uuid: str
    name: str
    address: str
    dialect: Dialect | None
    outdated: Refusal | None = None
    """What to answer instead of opening a connection: its version of our dialect is not served."""
    opening: Opening | None = None
    """What it says of its session."""

    def to_peer(self, user: Any, session: Any, scope: Mapping[str, Any]) -> tuple[Peer, Identity]:
        """Return what the server opens a connection with, once it is known who is logged in."""
        peer = Peer(
            uuid=self.uuid,
            name=self.name,
            user=user,
            session=session,
            address=self.address,
            scope=scope,
        )
        return peer, get_identity(user, session, self.address, self._key_digest)

    @property
    def _key_digest(self) -> str:
        """What is kept of the secret of a session: who has it cannot be who knows it."""
        if self.opening is None:
            return ""
        return sha256(self.opening.key.encode()).hexdigest()[:KEY_CHARACTERS]


def greet(scope: Mapping[str, Any], *, is_secure: bool) -> Caller | Refusal:
    """Look at the host, the origin and the URL of a request for either transport.

    Args:
        scope: Of the request.
        is_secure: Whether it came over TLS, as far as Django knows.
    """
    settings = get_settings()
    headers = scope["headers"]
    if not is_host_allowed(headers, scope.get("server")):
        return BAD_HOST
    if not is_origin_allowed(
        headers, is_secure=is_secure, allowed_origins=settings.allowed_origins
    ):
        return BAD_ORIGIN
    query = _parse_query(scope)
    uuid, name = _find(query, "vortexUuid"), _find(query, "vortexName")
    if uuid is None or name is None:
        return NO_UUID
    dialect = _get_dialect(query)
    if dialect is None and any(query.get("vortexDialect", ())):
        logger.warning(
            "A client announces vortexDialect %s, which does not exist: only 'native' does. It is "
            "served as a released client, which announces none",
            quoted(query["vortexDialect"][0]),
        )
    outdated = None if dialect is None else _refuse_version(query)
    opening = None
    if dialect is Dialect.NATIVE and (text := find_session(headers)) is not None:
        opening = read_opening(text)
        if opening is None:
            return BAD_SESSION
    return Caller(uuid, name, get_client_address(scope), dialect, outdated, opening)


def get_client_address(scope: Mapping[str, Any]) -> str:
    """Return the address of a client, as `get_address` finds it; "" where there is none."""
    proxies = get_settings().trusted_proxies
    connected = _get_connected(scope, is_proxied=bool(proxies))
    return get_address(scope["headers"], connected, trusted_proxies=proxies)


def get_announced_dialect(scope: Mapping[str, Any]) -> Dialect | None:
    """Return the dialect that the URL of a request names, if it is our own."""
    return _get_dialect(_parse_query(scope))


def _get_connected(scope: Mapping[str, Any], *, is_proxied: bool) -> str:
    """Return the address of the socket, which is not always what the server says it is."""
    client = scope.get("client")
    told = str(client[0]) if client else ""
    flow = scope.get(SCOPE_KEY)
    seen = flow.get_address() if isinstance(flow, Flow) else None
    if seen is None:
        return told
    if seen != told and not is_proxied:
        logger.warning(
            "The server has taken the address of a client from X-Forwarded-For, which any client "
            "can write; the vortex takes that of the connection. Set VORTEX['TRUSTED_PROXIES'] to "
            "the proxies in front of this server, or their number"
        )
    return seen


def _parse_query(scope: Mapping[str, Any]) -> dict[str, list[str]]:
    return parse_qs(
        scope.get("query_string", b"").decode("utf-8", "replace"), keep_blank_values=True
    )


def _get_dialect(query: Mapping[str, list[str]]) -> Dialect | None:
    is_native = _find(query, "vortexDialect") == NATIVE_NAME
    return get_native(_read_version(query)) if is_native else None


def _read_version(query: Mapping[str, list[str]]) -> int:
    """Return which version of our own dialect is announced, 0 for what is no version."""
    texts = query.get("vortexVersion", [str(UNNUMBERED_VERSION)])
    text = texts[0] if len(texts) == 1 else ""
    is_number = text.isascii() and text.isdecimal() and len(text) <= MAX_VERSION_DIGITS
    return int(text) if is_number else 0


def _refuse_version(query: Mapping[str, list[str]]) -> Refusal | None:
    """Return the answer to a version of our own dialect that is not served, None for others."""
    if _read_version(query) >= OLDEST_VERSION:
        return None
    return Refusal.of_version(", ".join(query["vortexVersion"]))


def _find(query: Mapping[str, list[str]], key: str) -> str | None:
    """Return the one value of a key, if it is one that can be used."""
    values = query.get(key, ())
    if len(values) != 1 or not 0 < len(values[0]) <= MAX_URL_VALUE_CHARACTERS:
        return None
    return values[0]
