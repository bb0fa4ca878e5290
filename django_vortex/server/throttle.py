"""Limit the number of new peers, per client address and in all, in a rolling period.

Only anonymous ones count for their address: behind one there may be a whole company.
"""

from collections import deque

from django_vortex.exceptions import TooManyPeers
from django_vortex.server.options import ServerOptions


class Throttle:
    """Counts the new peers of the last period; those it turned away are not counted.

    Memory is bounded by the peers that were let in during one period.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._seconds = options.throttle_seconds
        self._limit = options.throttle_peers
        self._limit_per_address = options.throttle_peers_per_address
        self._admitted: deque[tuple[float, str]] = deque()
        self._by_address: dict[str, deque[float]] = {}

    def admit(self, address: str, now: float, *, is_anonymous: bool = True) -> None:
        """Count a new peer.

        Args:
            address: Where it comes from.
            now: The monotonic time.
            is_anonymous: Whether nobody is logged in.

        Raises:
            TooManyPeers: There were as many as may be; nothing is counted then.
        """
        self._expire(now)
        if self._limit and len(self._admitted) >= self._limit:
            raise self._refusal("Too many new peers", self._admitted[0][0], now)
        address = address if is_anonymous else ""
        times = self._by_address.get(address) if address else None
        if self._limit_per_address and times and len(times) >= self._limit_per_address:
            raise self._refusal("Too many new peers from this address", times[0], now)
        if not self._limit and not self._limit_per_address:
            return
        self._admitted.append((now, address))
        if address:
            self._by_address.setdefault(address, deque()).append(now)

    def _expire(self, now: float) -> None:
        oldest = now - self._seconds
        while self._admitted and self._admitted[0][0] <= oldest:
            _, address = self._admitted.popleft()
            if not address:
                continue
            times = self._by_address[address]
            times.popleft()
            if not times:
                del self._by_address[address]

    def _refusal(self, text: str, first: float, now: float) -> TooManyPeers:
        seconds = max(0.0, first + self._seconds - now)
        return TooManyPeers(f"{text}, try again in {max(1, round(seconds))} s", seconds)
