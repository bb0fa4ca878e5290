"""What both transports ask of a stranger before the server opens a connection.

Takes an ASGI scope, gives a `Caller` or the `Refusal` to answer with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from django_vortex.conf import get_settings
from django_vortex.routing.peer import Peer
from django_vortex.server.identity import Identity
from django_vortex.transports.identity import find_address, find_identity
from django_vortex.transports.origin import is_origin_allowed
from django_vortex.transports.refusal import BAD_ORIGIN, NO_UUID, Refusal
from django_vortex.wire.dialects import Dialect

MAX_URL_VALUE_CHARACTERS = 200
"""Longest uuid or name; uuids of released clients have 36."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What the URL and the headers say about whoever wants to connect."""

    uuid: str
    name: str
    address: str
    dialect: Dialect | None

    def to_peer(self, user: Any, session: Any, scope: Mapping[str, Any]) -> tuple[Peer, Identity]:
        """Give what the server opens a connection with, once it is known who is logged in."""
        peer = Peer(
            uuid=self.uuid,
            name=self.name,
            user=user,
            session=session,
            address=self.address,
            scope=scope,
        )
        return peer, find_identity(user, session, self.address)


def greet(scope: Mapping[str, Any], *, is_secure: bool) -> Caller | Refusal:
    """Look at the origin and the URL of a request for either transport.

    Args:
        scope: Of the request.
        is_secure: Whether it came over TLS, as far as Django knows.
    """
    settings = get_settings()
    headers = scope["headers"]
    if not is_origin_allowed(
        headers, is_secure=is_secure, allowed_origins=settings.allowed_origins
    ):
        return BAD_ORIGIN
    query = parse_qs(scope.get("query_string", b"").decode("utf-8", "replace"))
    uuid, name = _find(query, "vortexUuid"), _find(query, "vortexName")
    if uuid is None or name is None:
        return NO_UUID
    address = find_address(headers, scope.get("client"), trusted_proxies=settings.trusted_proxies)
    announced = _find(query, "vortexDialect")
    dialect = Dialect.NATIVE if announced == Dialect.NATIVE.value else None
    return Caller(uuid, name, address, dialect)


def _find(query: Mapping[str, list[str]], key: str) -> str | None:
    """Give the one value of a key, if it is one that can be used."""
    values = query.get(key, ())
    if len(values) != 1 or not 0 < len(values[0]) <= MAX_URL_VALUE_CHARACTERS:
        return None
    return values[0]
