"""Rate limits, written as Django REST framework writes them: `Rates`.

Takes ``"60/m"``, or rates by what is counted, gives `Rates`, which returns for each request how
long its peer has to wait. Pure but for the clock.
"""

import heapq
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.routing.peer import Peer

Throttle: TypeAlias = str | Mapping[str, str] | None
"""What ``throttle=`` takes; see `read_rates`."""

CALLER: Final = "caller"
"""Counts by user, and those who are not logged in by address; what a rate alone means."""

MAX_KEYS: Final = 100_000
"""How many peers, users or addresses are counted; beyond that those nearest to their end go."""

_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_FORM: Final = re.compile(r"([1-9][0-9]{0,8})\s*/\s*([smhd])[a-z]*")

_FIND_KEY: Final[Mapping[str, Callable[[Peer], str | None]]] = {
    CALLER: lambda peer: _user_key(peer) or f"at {peer.address}",
    "peer": lambda peer: peer.uuid,
    "user": lambda peer: _user_key(peer),
    "address": lambda peer: peer.address,
    "all": lambda peer: "",
}


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of requests in a period.

    Up to ``number`` at once, after that one each ``seconds / number``.
    """

    number: int
    seconds: float

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read ``"60/m"``: a number, and a period that begins with ``s``, ``m``, ``h`` or ``d``.

        Raises:
            DefinitionError: It is something else.
        """
        match = _FORM.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise DefinitionError(
                f"Expected a rate such as '60/m' (per s, m, h or d), got {quoted(text)}"
            )
        return cls(int(match[1]), _SECONDS[match[2]])

    def __str__(self) -> str:
        period = next(name for name, seconds in _SECONDS.items() if seconds == self.seconds)
        return f"{self.number}/{period}"


class Rates:
    """Counts what peers do; what was refused is not counted. For use by one thread.

    For each key only the moment is kept at which its allowance is whole again.

    Args:
        rates: A `Rate` for each thing that is counted, see `read_rates`.
        clock: A monotonic clock.
    """

    def __init__(
        self, rates: Mapping[str, Rate], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rates = dict(rates)
        self._clock = clock
        self._limits = [(_FIND_KEY[name], rate, _Counter(rate)) for name, rate in rates.items()]

    def admit(self, peer: Peer) -> float:
        """Count one more of a peer; return 0, or the seconds after which it would be counted."""
        if not self._limits:
            return 0.0
        now = self._clock()
        counted = [
            (counter, key)
            for find_key, _, counter in self._limits
            if (key := find_key(peer)) is not None
        ]
        wait = max((counter.get_wait(key, now) for counter, key in counted), default=0.0)
        if not wait:
            for counter, key in counted:
                counter.add(key, now)
        return wait

    def __repr__(self) -> str:
        return ", ".join(f"{rate} per {name}" for name, rate in self.rates.items())


class _Counter:
    """The keys of one rate, each with the moment at which its allowance is whole again."""

    __slots__ = ("_interval", "_period", "_whole_at")

    def __init__(self, rate: Rate) -> None:
        self._period = rate.seconds
        self._interval = rate.seconds / rate.number
        self._whole_at: dict[str, float] = {}

    def get_wait(self, key: str, now: float) -> float:
        """Return 0 if a key may have one more, else after how many seconds it may."""
        whole_at = self._whole_at.get(key)
        if whole_at is None:
            return 0.0
        wait = whole_at + self._interval - self._period - now
        return wait if wait > 1e-9 * self._period else 0.0

    def add(self, key: str, now: float) -> None:
        """Count one more of a key."""
        self._whole_at[key] = max(self._whole_at.get(key, now), now) + self._interval
        if len(self._whole_at) > MAX_KEYS:
            self._forget(now)

    def _forget(self, now: float) -> None:
        """Drop the keys that are whole again, and if that is not enough the half nearest to it."""
        left = {key: moment for key, moment in self._whole_at.items() if moment > now}
        if len(left) > MAX_KEYS // 2:
            left = dict(heapq.nlargest(MAX_KEYS // 2, left.items(), key=lambda one: one[1]))
        self._whole_at = left


def read_rates(value: object) -> dict[str, Rate]:
    """Read what ``throttle=`` takes: None, a rate, or rates by what is counted.

    ``"60/m"`` counts users, and who is not logged in by address. A mapping has rates for any of
    ``"peer"``, ``"user"`` (who is logged in), ``"address"``, ``"caller"`` (as a rate alone) and
    ``"all"`` (everybody together).

    Raises:
        DefinitionError: It is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        return {CALLER: Rate.parse(value)}
    for name in value:
        if name not in _FIND_KEY:
            raise DefinitionError(
                f"Nothing is counted by {quoted(name)}; rates are by {', '.join(_FIND_KEY)}"
            )
    return {name: Rate.parse(rate) for name, rate in value.items()}


def _user_key(peer: Peer) -> str | None:
    user = peer.user
    return str(user.pk) if getattr(user, "is_authenticated", False) else None
