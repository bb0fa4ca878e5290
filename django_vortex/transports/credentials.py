"""Read tokens from the headers of a request, and keep them out of logs.

Programs send a token as ``Authorization: Bearer``. Browsers cannot set headers of a WebSocket, so
they offer the token as a subprotocol, after the one that the server selects. Tokens in URLs are
ignored, since URLs are written to logs.
"""

import base64
import binascii
import traceback
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

from django_vortex.exceptions import InvalidCredentials
from django_vortex.transports.asgi_types import Scope
from django_vortex.transports.identity import HeaderList
from django_vortex.wire.opening import (
    MIN_KEY_CHARACTERS,
    SESSION_HEADER,
    SESSION_SUBPROTOCOL,
)

NATIVE_SUBPROTOCOL: Final = "vortex.native"
"""What our own clients offer first, and what is selected then."""

TOKEN_SUBPROTOCOL: Final = "vortex.token."
"""Behind it comes the token in UTF-8, as base64url without padding."""

MAX_TOKEN_BYTES: Final = 8_192
"""Longest token; the servers take no header that is much longer."""

MIN_SECRET_CHARACTERS: Final = 4
"""Shorter tokens are replaced in no log: they are in every second word."""

MIN_COOKIE_CHARACTERS: Final = 16
"""The same for the values of cookies, most of which are no secrets."""

AMBIENT_SCHEMES: Final = frozenset({"basic", "digest", "negotiate", "ntlm"})
"""Schemes of ``Authorization`` that browsers answer by themselves, for whatever is in front."""

_AUTHORIZATION: Final = b"authorization"
_PROTOCOLS: Final = b"sec-websocket-protocol"
_SESSION: Final = SESSION_HEADER.lower().encode()

_SECRETS: Final = {
    TOKEN_SUBPROTOCOL: (_AUTHORIZATION, b"Bearer "),
    SESSION_SUBPROTOCOL: (_SESSION, b""),
}
"""For each prefix of a subprotocol the header that has the same, and how its value begins."""


def adopt_offered_secrets(scope: Scope) -> None:
    """Move tokens and sessions from the subprotocols of a scope into its headers, in place.

    What cannot be decoded becomes empty, which is never valid.
    """
    headers = scope.get("headers", ())
    offered = _find_subprotocols(headers)
    secrets = [
        (header, before + _decode(one.removeprefix(prefix)))
        for prefix, (header, before) in _SECRETS.items()
        for one in offered
        if one.startswith(prefix)
    ]
    if not secrets:
        return
    scope["headers"] = [
        *(
            (name, _without_secrets(value) if name == _PROTOCOLS else value)
            for name, value in headers
        ),
        *secrets,
    ]
    scope["subprotocols"] = [
        one for one in scope.get("subprotocols") or () if not one.startswith(tuple(_SECRETS))
    ]


def find_session(headers: HeaderList) -> str | None:
    """Return what a request says of its session, None if it says nothing; "" of what is no text."""
    found = [_read(value).strip() for name, value in headers if name == _SESSION]
    if not found:
        return None
    return found[0] if len(found) == 1 else ""


def find_schemes(headers: HeaderList) -> list[str]:
    """Return the schemes of all ``Authorization`` headers that are not empty, in lower case."""
    return [scheme.lower() for scheme, _ in _find_authorizations(headers)]


def get_bearer_token(headers: HeaderList) -> str | None:
    """Return the bearer token of a request, None if it has none.

    Args:
        headers: Of the request, with adopted tokens.

    Raises:
        InvalidCredentials: There are several, or one that cannot be read.
    """
    tokens = [one for scheme, one in _find_authorizations(headers) if scheme.lower() == "bearer"]
    if len(tokens) > 1:
        raise InvalidCredentials("Expected one token, got several")
    if not tokens:
        return None
    (token,) = tokens
    if not token.isprintable() or " " in token or not 0 < len(token.encode()) <= MAX_TOKEN_BYTES:
        text = f"Expected a token of at most {MAX_TOKEN_BYTES} bytes without spaces"
        raise InvalidCredentials(text)
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


def redact(text: str, headers: HeaderList) -> str:
    """Replace the secrets of a request in a text by ``***``, also where quoted or encoded."""
    for secret in _find_secrets(headers):
        encoded = base64.urlsafe_b64encode(secret.encode()).decode().rstrip("=")
        for form in (secret, repr(secret)[1:-1], quote(secret, safe=""), encoded):
            text = text.replace(form, "***")
    return text


def describe_error(error: Exception, headers: HeaderList) -> str:
    """Return the traceback of an error without the secrets of the request."""
    return redact("".join(traceback.format_exception(error)).rstrip(), headers)


def _find_secrets(headers: HeaderList) -> Iterator[str]:
    for _, secret in _find_authorizations(headers):
        if len(secret) >= MIN_SECRET_CHARACTERS:
            yield secret
    for name, value in headers:
        key = _read(value).partition(".")[0] if name == _SESSION else ""
        if len(key) >= MIN_KEY_CHARACTERS:
            yield key
        for cookie in _read(value).split(";") if name == b"cookie" else ():
            secret = cookie.partition("=")[2].strip()
            if len(secret) >= MIN_COOKIE_CHARACTERS:
                yield secret


def _find_authorizations(headers: HeaderList) -> Iterator[tuple[str, str]]:
    """Yield scheme and credentials of each header that is not empty."""
    for name, value in headers:
        if name == _AUTHORIZATION:
            scheme, _, credentials = _read(value).strip().partition(" ")
            if scheme:
                yield scheme, credentials.strip()


def _find_subprotocols(headers: HeaderList) -> list[str]:
    return [one for name, value in headers if name == _PROTOCOLS for one in _split(value)]


def _without_secrets(value: bytes) -> bytes:
    kept = (one for one in _split(value) if not one.startswith(tuple(_SECRETS)))
    return ", ".join(kept).encode("latin-1")


def _split(value: bytes) -> Iterable[str]:
    return (one for part in value.decode("latin-1").split(",") if (one := part.strip()))


def _read(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _decode(encoded: str) -> bytes:
    padded = encoded + "=" * (-len(encoded) % 4)
    try:
        decoded = base64.b64decode(padded, altchars=b"-_", validate=True)
        decoded.decode()
    except (binascii.Error, ValueError):
        return b""
    return decoded
