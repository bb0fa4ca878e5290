"""Peers without a stream, which may come back: `Holding`.

Takes connections whose streams have ended, closes those that nothing comes back to, and the ones
held longest where all together, or those of one address, take too much memory.
"""

from collections import defaultdict
from typing import Final

from django_vortex.logs import get_limited_logger
from django_vortex.server.connection import Connection
from django_vortex.server.options import ServerOptions
from django_vortex.wire.reserved import NORMAL_CLOSURE, SLOW_CLOSURE

logger = get_limited_logger("django_vortex.server")

MEASURE_SECONDS: Final = 1.0
"""Time between two looks at how much is held."""

PEER_BYTES: Final = 8192
"""About what a held peer takes for which nothing waits."""


class Holding:
    """The held peers of one process.

    Args:
        options: How long they are held, and how many bytes may wait for them.
    """

    __slots__ = ("_measured_at", "_options", "_since")

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        self._since: dict[Connection, float] = {}
        self._measured_at = 0.0

    def __len__(self) -> int:
        return len(self._since)

    def add(self, connection: Connection, now: float) -> None:
        """Hold a peer, for ``hold_seconds`` from now on."""
        self._since.pop(connection, None)
        self._since[connection] = now

    def remove(self, connection: Connection) -> None:
        """Stop holding a peer; nothing happens if it was not held."""
        self._since.pop(connection, None)

    def tick(self, now: float) -> None:
        """Close what was held for too long, and look how much the rest takes now and then."""
        while self._since:
            connection, since = next(iter(self._since.items()))
            if since > now - self._options.hold_seconds:
                break
            connection.close(NORMAL_CLOSURE, "The peer did not come back")
        if now - self._measured_at >= MEASURE_SECONDS:
            self._measured_at = now
            self._close_excess()

    def _close_excess(self) -> None:
        """Close what is held longest until the others are within the limits."""
        options = self._options
        sizes = {one: PEER_BYTES + one.held_bytes for one in self._since}
        by_address: defaultdict[str, int] = defaultdict(int)
        for connection, size in sizes.items():
            by_address[connection.peer.address] += size
        total = sum(sizes.values())
        for connection, size in sizes.items():  # oldest first
            address = connection.peer.address
            is_excess = total > options.held_max_bytes
            if is_excess or by_address[address] > options.held_max_bytes_per_address:
                logger.warning("A peer without a stream is closed: too much waits for such peers")
                connection.close(SLOW_CLOSURE, "Too much waits for peers without a stream")
                total -= size
                by_address[address] -= size
