"""What happens to a client's connection, as its events tell the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Online:
    """There is a connection.

    Attributes:
        transport: ``"websocket"`` or ``"http"``.
        server: The name of the server.
    """

    transport: str
    server: str


@dataclass(frozen=True, slots=True)
class Offline:
    """The connection is lost; the client comes back by itself.

    Attributes:
        reason: Why, for people.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class RefusedForGood:
    """The server does not let this client in; the client has ended.

    Attributes:
        reason: Why, in the server's words.
        code: Its close code or HTTP status.
    """

    reason: str
    code: int


Event: TypeAlias = Online | Offline | RefusedForGood
"""What `Client.events` gives."""
