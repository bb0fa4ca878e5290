"""HTTP peers that have no open response for a while: `HeldPeers`."""

from typing import TYPE_CHECKING

from django_vortex.server.stream import NORMAL_CLOSURE

if TYPE_CHECKING:
    from django_vortex.server.connection import Connection


class HeldPeers:
    """Closes the connections that no stream has come back to in time.

    Args:
        seconds: How long a connection is held.
    """

    __slots__ = ("_seconds", "_since")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[Connection, float] = {}

    def add(self, connection: "Connection", now: float) -> None:
        """Hold a connection from now on."""
        self._since[connection] = now

    def remove(self, connection: "Connection") -> None:
        """Hold a connection no longer; nothing happens if it was not held."""
        self._since.pop(connection, None)

    def tick(self, now: float) -> None:
        """Close what was held for too long."""
        while self._since:
            connection, since = next(iter(self._since.items()))
            if since > now - self._seconds:
                return
            connection.close(NORMAL_CLOSURE, "The peer did not come back")
