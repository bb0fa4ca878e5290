"""Dates that only grow, by which browser clients tell newer messages from older ones.

Released browser clients compare the dates of envelopes in milliseconds and drop what is not later
than the last of its kind (PROTOCOL 7). Takes and gives milliseconds since 1970.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Final

from django_vortex.typedefs import Filt

MAX_DATED_KEYS: Final = 1024
"""How many keys one peer's last dates are remembered for."""

MAX_KEY_CHARACTERS: Final = 100
"""How much of a key counts: peers choose keys, and what they choose is remembered."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=64)
def to_datetime(milliseconds: int) -> datetime:
    """Return the UTC datetime of a date in milliseconds, exactly; under load many share theirs."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def date_key(filt: Filt) -> str:
    """Return the key under which the dates of messages with this filt are compared.

    It is short, and ASCII, which any channel layer carries: a lone surrogate in it would not get
    through. Keys that become equal so only get later dates than they need.
    """
    key = filt.get("key")
    if type(key) is not str:
        return ""
    if len(key) <= MAX_KEY_CHARACTERS and key.isascii():
        return key
    return key[:MAX_KEY_CHARACTERS].encode("ascii", "backslashreplace").decode("ascii")


class PeerDates:
    """The last date that one peer got for each key; bounded, and never forgets in a way that shows.

    What is forgotten leaves a floor behind: no key is dated before the latest that was forgotten.
    The newest is kept apart: in a broadcast every peer is asked for the same key again and again,
    and what is not touched then need not come into the processor's cache.
    """

    __slots__ = ("_date", "_floor", "_key", "_others")

    def __init__(self) -> None:
        self._key: str | None = None
        self._date = 0
        self._others: dict[str, int] | None = None
        self._floor = 0

    def stamp(self, key: str, date: int) -> int:
        """Take the next date of a key: ``date``, or the first that is later than the last."""
        if key != self._key:
            self._turn_to(key)
        if date <= self._date:
            date = self._date + 1
        self._date = date
        return date

    def merge(self, dates: Mapping[str, int]) -> None:
        """Take over what another process has sent to the same peer."""
        for key, date in dates.items():
            self._turn_to(key)
            self._date = max(date, self._date)

    def to_record(self) -> dict[str, int]:
        """Return what `merge` takes."""
        newest = {} if self._key is None else {self._key: self._date}
        return {**(self._others or {}), **newest}

    def _turn_to(self, key: str) -> None:
        """Make a key the newest, with its last date."""
        others = self._others
        if self._key is not None:
            if others is None:
                others = self._others = {}
            others[self._key] = self._date
            if len(others) >= MAX_DATED_KEYS:
                others = self._forget(others)
        self._key = key
        self._date = self._floor if others is None else others.get(key, self._floor)

    def _forget(self, others: dict[str, int]) -> dict[str, int]:
        """Forget all but the latest, half as many as may be known, so that this is rare."""
        by_date = sorted(others.items(), key=itemgetter(1))
        self._floor = max(self._floor, by_date[-MAX_DATED_KEYS // 2 - 1][1])
        self._others = dict(by_date[-MAX_DATED_KEYS // 2 :])
        return self._others
