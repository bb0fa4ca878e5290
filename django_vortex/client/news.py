"""What happens to a client's connection, as its events tell the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from django_vortex.typedefs import Filt


@dataclass(frozen=True, slots=True)
class Online:
    """There is a connection.

    Attributes:
        transport: ``"websocket"`` or ``"http"``.
        server: The name of the server.
        resumed: Whether nothing was lost since the connection before: the session goes on.
    """

    transport: str
    server: str
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Offline:
    """The connection is lost; the client comes back by itself.

    Attributes:
        reason: Why, for people.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """Something was lost: mostly because the server has not got the session any more.

    Watches are asked for again; calls of which nobody knows what has become fail with
    `FateUnknown`.

    Attributes:
        reason: Why, for people.
        sent: The filts of what was sent without waiting for an answer, and of which nobody knows
            whether it has arrived.
        pushes: Whether pushes of the server may be missing, too.
    """

    reason: str
    sent: tuple[Filt, ...] = ()
    pushes: bool = True


@dataclass(frozen=True, slots=True)
class RefusedForGood:
    """The server does not let this client in; the client has ended.

    Attributes:
        reason: Why, in the server's words.
        code: Its close code or HTTP status.
    """

    reason: str
    code: int


Event: TypeAlias = Online | Offline | Lost | RefusedForGood
"""What `Client.events` gives."""
