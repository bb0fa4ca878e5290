"""The bearer token of a request, and the subprotocols of WebSockets that may carry it.

Takes the headers of an ASGI scope, gives the token. Browsers can set no header of a WebSocket, so a
token is offered as a subprotocol, behind the one that the server selects. URLs are not looked at,
since they are written to logs.
"""

import base64
import binascii
from collections.abc import Iterable, MutableSequence
from typing import Any, Final

from django_vortex.exceptions import InvalidCredentials
from django_vortex.transports.identity import HeaderList

NATIVE_SUBPROTOCOL: Final = "vortex.native"
"""What our own clients offer first, and what is selected then."""

TOKEN_SUBPROTOCOL: Final = "vortex.token."
"""Behind it comes the token in UTF-8, as base64url without padding."""

MAX_TOKEN_BYTES: Final = 8_192
"""Longest token; the servers take no header that is much longer."""

_PROTOCOLS: Final = b"sec-websocket-protocol"


def find_bearer_token(headers: HeaderList) -> str | None:
    """Return the token that a request shows, None if it shows none.

    Args:
        headers: Of the request.

    Raises:
        InvalidCredentials: There are several, or one that cannot be read.
    """
    tokens = [*_find_in_authorization(headers), *_find_in_subprotocols(headers)]
    if len(tokens) > 1:
        raise InvalidCredentials("Expected one token, got several")
    if not tokens:
        return None
    (token,) = tokens
    if not token or len(token.encode("utf-8", "surrogatepass")) > MAX_TOKEN_BYTES:
        raise InvalidCredentials(f"Expected a token of at most {MAX_TOKEN_BYTES} bytes")
    return token


def make_acceptance(headers: HeaderList) -> dict[str, str]:
    """Return the event that accepts a WebSocket.

    Our own subprotocol is selected where it is offered, and none where it is not: a browser ends a
    WebSocket for which another one is selected than it offers, or none of them.
    """
    event = {"type": "websocket.accept"}
    if NATIVE_SUBPROTOCOL in _find_subprotocols(headers):
        event["subprotocol"] = NATIVE_SUBPROTOCOL
    return event


def forget_offered_tokens(headers: Any) -> None:
    """Take tokens out of the subprotocols that a scope keeps, in place."""
    if not isinstance(headers, MutableSequence):
        return
    for index, (name, value) in enumerate(headers):
        if name == _PROTOCOLS and TOKEN_SUBPROTOCOL.encode() in value:
            kept = [one for one in _split(value) if not one.startswith(TOKEN_SUBPROTOCOL)]
            headers[index] = (name, ", ".join(kept).encode("latin-1"))


def _find_in_authorization(headers: HeaderList) -> Iterable[str]:
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").strip().partition(" ")
            if scheme.lower() == "bearer":
                yield token.strip()


def _find_in_subprotocols(headers: HeaderList) -> Iterable[str]:
    for offered in _find_subprotocols(headers):
        if offered.startswith(TOKEN_SUBPROTOCOL):
            yield _decode(offered.removeprefix(TOKEN_SUBPROTOCOL))


def _find_subprotocols(headers: HeaderList) -> list[str]:
    return [one for name, value in headers if name == _PROTOCOLS for one in _split(value)]


def _split(value: bytes) -> list[str]:
    return [one for part in value.decode("latin-1").split(",") if (one := part.strip())]


def _decode(encoded: str) -> str:
    """Decode base64url without padding; the error does not repeat what may be half a secret."""
    padded = encoded + "=" * (-len(encoded) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidCredentials("Expected a token in base64url without padding") from None
