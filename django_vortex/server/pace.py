"""Rate limits of peers: one that is too fast is told to wait, one that does not wait is closed.

Takes the rates of `ServerOptions` and the monotonic clock; the connections of a server ask it.
"""

import math
from collections.abc import Callable
from typing import Final

from django_vortex.exceptions import TooManyPeers
from django_vortex.routing.peer import Peer
from django_vortex.routing.rates import Rates
from django_vortex.server.options import ServerOptions

HEARING_SECONDS: Final = 1.0
"""How long a peer may not have heard yet that it has to wait."""

MAX_IGNORED: Final = 20
"""How many requests of a peer that has heard it are refused before the peer is closed."""

MAX_SHUT_OUT_SECONDS: Final = 60.0
"""For how long a peer that was closed may not come again, at the most."""


class Pace:
    """The rate limits of a server, and the peers that are shut out for exceeding one.

    Args:
        options: Of the server.
        clock: The monotonic clock.
    """

    def __init__(self, options: ServerOptions, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._requests = Rates(options.request_rates or {}, clock=clock)
        self._connects = Rates(options.connect_rates or {}, clock=clock)
        self._shut_out: dict[str, float] = {}
        self.limits_requests = bool(options.request_rates)
        """Whether `get_wait` may return anything but 0."""

    def get_wait(self, peer: Peer) -> float:
        """Count a request of a peer; return 0, or the seconds that it has to wait."""
        return self._requests.admit(peer)

    def admit_stream(self, peer: Peer) -> None:
        """Count a stream that a peer opens.

        Raises:
            TooManyPeers: It comes too often, or was closed for asking too often.
        """
        if self._shut_out:
            left = self._shut_out.get(peer.uuid, 0.0) - self._clock()
            if left > 0:
                raise _refusal("You have asked too often", left)
        wait = self._connects.admit(peer)
        if wait:
            raise _refusal("You connect too often", wait)

    def shut_out(self, peer: Peer, seconds: float) -> None:
        """Refuse new streams of a peer for a number of seconds."""
        now = self._clock()
        self._shut_out = {uuid: until for uuid, until in self._shut_out.items() if until > now}
        self._shut_out[peer.uuid] = now + seconds


class Patience:
    """Counts how often a peer ignores that it has to wait; made when it is told so first."""

    __slots__ = ("_ignored", "_told_at", "_until")

    def __init__(self) -> None:
        self._told_at = 0.0
        self._until = 0.0
        self._ignored = 0

    def is_over(self, wait: float, now: float) -> bool:
        """Note a refusal; return whether the peer has asked on though it knows that it must not.

        Args:
            wait: The seconds that the peer has to wait.
            now: The monotonic time.
        """
        if now >= self._until:
            self._told_at = now
            self._ignored = 0
        elif now - self._told_at >= HEARING_SECONDS:
            self._ignored += 1
        self._until = max(self._until, now + wait)
        return self._ignored >= MAX_IGNORED


def shut_out_seconds(wait: float) -> int:
    """Return the whole seconds for which a peer is closed that does not wait."""
    return math.ceil(min(wait, MAX_SHUT_OUT_SECONDS))


def _refusal(text: str, wait: float) -> TooManyPeers:
    return TooManyPeers(f"{text}, try again in {math.ceil(wait)} s", wait)
