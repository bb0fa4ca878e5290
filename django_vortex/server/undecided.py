"""Streams that wait until it is known whether their login has ended or changed: `Undecided`.

Takes connections, frees all that they have but the stream, which carries nothing any more; gives
them back after a moment, to be asked about again and closed with the right code.
"""

from dataclasses import dataclass
from typing import Final

from django_vortex.routing.peer import Peer
from django_vortex.server.connection import Connection
from django_vortex.server.judging import Ended
from django_vortex.server.stream import Stream
from django_vortex.wire.reserved import NORMAL_CLOSURE

DOUBT_SECONDS: Final = 1.0
"""Time from storing a new password to the arrival of the new cookie, in the usual view."""


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A stream without a connection."""

    connection: Connection
    peer: Peer
    stream: Stream
    due_at: float

    def close(self, ended: Ended) -> None:
        """Close it for a reason."""
        self.connection.end_stream(self.stream, ended.code, ended.reason)


class Undecided:
    """The abandoned streams of a server."""

    def __init__(self) -> None:
        self._abandoned: list[Abandoned] = []

    def add(self, connection: Connection, now: float) -> None:
        """Release a connection and keep its stream, if it has one."""
        peer = connection.peer
        stream = connection.revoke()
        if stream is not None:
            self._abandoned.append(Abandoned(connection, peer, stream, now + DOUBT_SECONDS))

    def take_due(self, now: float) -> list[Abandoned]:
        """Return those that have waited long enough, oldest first, and forget them."""
        due = [one for one in self._abandoned if one.due_at <= now]
        del self._abandoned[: len(due)]
        return due

    def close_all(self) -> None:
        """Close all there are: the server stops."""
        for one in self._abandoned:
            one.close(Ended(NORMAL_CLOSURE, "The server is shutting down"))
        self._abandoned.clear()
