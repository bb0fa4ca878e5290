"""Limit the number of new peers, per client address and in all, in a rolling period.

Behind one address there may be a whole company: who is logged in does not count for it. Guesses do,
and where there were as many as may be, who is logged in is refused as well: it may be a good guess.
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
        self._admitted: deque[tuple[float, str | None, bool]] = deque()
        self._anonymous: dict[str, deque[float]] = {}
        self._guesses: dict[str, deque[float]] = {}

    def admit(
        self, address: str, now: float, *, is_anonymous: bool = True, is_guess: bool = False
    ) -> None:
        """Count a new peer.

        Args:
            address: Where it comes from.
            now: The monotonic time.
            is_anonymous: Whether nobody is logged in.
            is_guess: Whether it has shown credentials that are not valid.

        Raises:
            TooManyPeers: There were as many as may be; nothing is counted then.
        """
        self._expire(now)
        if self._limit and len(self._admitted) >= self._limit:
            raise self._refusal("Too many new peers", self._admitted[0][0], now)
        known = [self._guesses.get(address)]
        if is_anonymous and not is_guess:  # else guesses would be refused that are not counted
            known.append(self._anonymous.get(address))
        times = [one for one in known if one]
        if self._limit_per_address and sum(map(len, times)) >= self._limit_per_address:
            first = min(one[0] for one in times)
            raise self._refusal("Too many new peers from this address", first, now)
        if not self._limit and not self._limit_per_address:
            return
        counts = is_anonymous or is_guess
        self._admitted.append((now, address if counts else None, is_guess))
        if counts:
            self._get_times(is_guess).setdefault(address, deque()).append(now)

    def _get_times(self, is_guess: bool) -> dict[str, deque[float]]:
        return self._guesses if is_guess else self._anonymous

    def _expire(self, now: float) -> None:
        oldest = now - self._seconds
        while self._admitted and self._admitted[0][0] <= oldest:
            _, address, is_guess = self._admitted.popleft()
            if address is None:
                continue
            by_address = self._get_times(is_guess)
            times = by_address[address]
            times.popleft()
            if not times:
                del by_address[address]

    def _refusal(self, text: str, first: float, now: float) -> TooManyPeers:
        seconds = max(0.0, first + self._seconds - now)
        return TooManyPeers(f"{text}, try again in {max(1, round(seconds))} s", seconds)
