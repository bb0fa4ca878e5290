"""Send the peers of a server that stops to the other processes, with their sessions: `Departure`.

Takes the peers as they are when the server is told to stop. Those that have a session are asked to
leave, each at a random moment of a span that grows with their number; where they come next asks
for them, and `Moves` hands them over. Until then they are served as ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol

from django_vortex.logs import get_limited_logger
from django_vortex.server.connection import Connection
from django_vortex.server.peers import Peers
from django_vortex.server.processes import Processes
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.opening import Opening
from django_vortex.wire.reserved import MOVE_KEY, MOVE_SERVER, MOVE_SPAN

logger = get_limited_logger("django_vortex.server")

PEER_SECONDS: Final = 0.005
"""What another process needs to open a connection, about: so far apart peers are sent there."""

MIN_SPAN: Final = 0.2
"""Within so many seconds few peers leave."""

MAX_SPAN: Final = 3.0
"""Within so many seconds many do."""

RESTART_SPAN: Final = 1.0
"""Where nobody takes them over, peers come back within so many seconds at the least."""

GRACE_SECONDS: Final = 0.5
"""So long after the span the streams are ended that are still there."""

STRANGER_SECONDS: Final = 1.0
"""So long after the span a process may show itself that was not heard of before."""

POLL_SECONDS: Final = 0.05
"""How often it is looked who is still here."""


class Home(Protocol):
    """The server of this process."""

    uuid: str

    @property
    def peers(self) -> Peers:
        """Who is here."""

    @property
    def processes(self) -> Processes:
        """What is known of the other processes."""


class Departure:
    """The end of one server, as its peers with sessions see it.

    Args:
        server: The server that stops.
        is_reachable: Whether there may be other processes.
    """

    def __init__(self, server: Home, *, is_reachable: bool) -> None:
        self._server = server
        self._is_reachable = is_reachable
        self.is_under_way = False
        """Whether peers are being sent away, and may ask for anything until they have left."""

    @property
    def retry_seconds(self) -> int:
        """After how long those may come again who are not taken any more; to whom that leads."""
        return 0 if self._server.processes.live else 1

    def admits(self, uuid: str, opening: Opening | None) -> bool:
        """Return whether a request belongs to a stream that its peer has not left yet."""
        is_here = self.is_under_way and uuid in self._server.peers.by_uuid
        return is_here and opening is not None and opening.continues

    def describe_end(self) -> str:
        """Return what those are told as the reason of the end whom nobody has taken over."""
        span = max(RESTART_SPAN, get_span(len(self._server.peers.by_uuid)))
        return f"{span:g} s: The server is shutting down"

    async def run(self, deadline: float) -> None:
        """Send the peers away, and wait until other processes have them all.

        Where no other process is heard of, that ends soon.

        Args:
            deadline: By the time of the loop.
        """
        loop = asyncio.get_running_loop()
        begun, left = loop.time(), self._find()
        if not self._is_reachable or not left or begun >= deadline or self.is_under_way:
            return
        self.is_under_way = True
        span = min(get_span(len(left)), (deadline - begun) / 2)
        told: set[Connection] = set()
        try:
            while left and (now := loop.time()) < deadline:
                if now > begun + span + STRANGER_SECONDS and not self._server.processes.live:
                    break
                self._send_away(left, told, span, is_late=now > begun + span + GRACE_SECONDS)
                await asyncio.sleep(POLL_SECONDS)
                left = self._find()
        finally:
            self.is_under_way = False
        if missing := len(told.intersection(left)):  # of those who were here when it began
            logger.warning("No other process has taken over %d peers", missing)

    def _find(self) -> list[Connection]:
        here = self._server.peers.by_uuid.values()
        return [one for one in here if one.session is not None]

    def _send_away(
        self, left: Iterable[Connection], told: set[Connection], span: float, *, is_late: bool
    ) -> None:
        filt = {"key": MOVE_KEY, MOVE_SPAN: span, MOVE_SERVER: self._server.uuid}
        for connection in left:
            if connection.stream is None:
                continue
            if connection not in told:
                told.add(connection)
                connection.send(PayloadEnvelope(dict(filt)))
            elif is_late:
                connection.part("0 s: The server is shutting down")


def get_span(count: int) -> float:
    """Return the seconds within which so many peers are to leave."""
    return min(MAX_SPAN, max(MIN_SPAN, count * PEER_SECONDS))
