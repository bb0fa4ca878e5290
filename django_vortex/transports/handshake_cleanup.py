"""Free the memory of a WebSocket's handshake once it is over.

Takes the protocol object of an ASGI server and the scope, and empties or shares what they would
keep until the socket closes: several copies of the headers, more than half of the memory of an idle
peer.
As with `flow`, all that is private to the servers; what is not there is left alone.
"""

from collections.abc import Iterable, MutableMapping, MutableSequence
from typing import Any, Final

Header = tuple[bytes, bytes]

MAX_SHARED_HEADERS: Final = 1024
"""How many headers are remembered to be shared; browsers send few different ones."""

HANDSHAKE_HEADERS: Final = frozenset(
    {
        b"connection",
        b"sec-websocket-extensions",
        b"sec-websocket-key",
        b"sec-websocket-version",
        b"upgrade",
    }
)
"""Headers that are about the handshake itself."""

SECRET_HEADERS: Final = frozenset({b"authorization", b"cookie", b"proxy-authorization"})
"""Headers that are one peer's alone and must not outlive it."""

_shared: dict[Header, Header] = {}


def release_uvicorn_handshake(protocol: Any) -> None:
    """Empty the request and the response that uvicorn's WebSocket protocol keeps.

    Its own attributes are not the only reference: a generator that reads frames has them, too. So
    the headers are emptied, which does not depend on who else knows them.
    """
    for message in (getattr(protocol, "request", None), getattr(protocol, "response", None)):
        _empty(getattr(message, "headers", None))


def release_daphne_handshake(protocol: Any, transport: Any) -> None:
    """Empty what autobahn keeps, and let go of the HTTP request that became this WebSocket.

    Daphne has it among its connections until it looks for ended ones, once a second. After that it
    and its channel, still the transport's producer, would wait for a garbage collection.
    """
    requests = getattr(getattr(transport, "producer", None), "requests", None)
    if isinstance(requests, list):
        connections = getattr(getattr(protocol, "server", None), "connections", None)
        for upgraded in requests:
            _forget_ended(connections, upgraded)
        requests.clear()
    request = getattr(protocol, "request", None)
    _empty(getattr(request, "headers", None))
    _empty(getattr(request, "params", None))
    if hasattr(protocol, "http_request_data"):
        protocol.http_request_data = None


def compact_headers(headers: Any) -> None:
    """Shorten the headers of a scope in place.

    Those of the handshake go. The others stay for handlers that ask for them, but equal ones of
    different peers become one object.
    """
    if isinstance(headers, list):
        headers[:] = _share(headers)


def _forget_ended(connections: Any, upgraded: object) -> None:
    """Do what Daphne's ``application_checker`` would do, if it would."""
    details = connections.get(upgraded) if isinstance(connections, dict) else None
    if details and "disconnected" in details and "application_instance" not in details:
        del connections[upgraded]


def _share(headers: Iterable[Header]) -> list[Header]:
    kept = []
    for header in headers:
        name = header[0]
        if name in HANDSHAKE_HEADERS:
            continue
        if name not in SECRET_HEADERS:
            shared = _shared.get(header)
            if shared is not None:
                header = shared
            elif len(_shared) < MAX_SHARED_HEADERS:
                _shared[header] = header
        kept.append(header)
    return kept


def _empty(headers: Any) -> None:
    if isinstance(headers, MutableMapping | MutableSequence):
        headers.clear()
