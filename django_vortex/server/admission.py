"""Refuse new peers while the work of opening connections piles up: `Admission`.

Takes when openings begin and end, gives who has to come later and when. What is measured is the
pace at which they end, whatever holds them up: the processor, threads, a database. A limit on the
number of peers in a period cannot know it: on a slow machine it lets in more than end in time, and
who is not served within ten seconds gives up, comes again and has the work done twice.
"""

import asyncio
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import random as random_number
from typing import Any, Final

from django_vortex.exceptions import TooManyPeers

KNOWN_FACTOR: Final = 4.0
"""Peers that are known may wait so many times as long: nothing of theirs is lost then."""

TYPICAL_SECONDS: Final = 0.005
"""What an opening is taken to cost until so many have come at once that it can be measured."""

MIN_SECONDS: Final = 0.0005
"""What it costs at the least."""

MAX_SECONDS: Final = 1.0
"""What it is taken to cost at the most."""

CROWD: Final = 16
"""So many openings at once show how long each of them takes; fewer wait for something else."""

WEIGHT: Final = 1 / 16
"""The weight of the newest opening in what one costs."""

WINDOW_SECONDS: Final = 0.1
"""Openings are counted for so long for that: many end in one turn of a busy loop."""

FORGET_SECONDS: Final = 60.0
"""So long after a crowd it is not known any more what an opening costs."""

SHARE: Final = 0.8
"""The part of the time for which peers are told to come again; newcomers have the rest."""

MAX_TOLD_SECONDS: Final = 60.0
"""The longest that a peer is told to wait."""


class Admission:
    """The openings of one server that are under way.

    Args:
        seconds: How long one may wait; 0 lets everybody in.
        clock: The monotonic clock.
        random: Gives a number from 0 to 1.
        call_soon: Calls a function in the next turn of the loop; the running loop's by default.
    """

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float],
        *,
        random: Callable[[], float] = random_number,
        call_soon: Callable[[Callable[[], None]], Any] | None = None,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._random = random
        self._call_soon = call_soon
        self.under_way = 0
        """How many have begun and not ended."""
        self._cost = TYPICAL_SECONDS
        self._learnt_at = -math.inf
        self._mark = 0.0
        self._ended = 0
        self._booked_until = 0.0
        self._watches_turns = False
        self._turn_at = 0.0
        self._last_turn = 0.0
        self._begun = 0
        self._begun_before = 0

    @contextmanager
    def opening(self, *, is_known: bool) -> Iterator[None]:
        """Count what is done inside as the opening of one connection.

        Raises:
            TooManyPeers: So much waits that this one would wait for too long.
        """
        self.begin(is_known=is_known)
        try:
            yield
        finally:
            self.end()

    def begin(self, *, is_known: bool) -> None:
        """Count an opening, from when its handshake or request is seen.

        Args:
            is_known: Whether the peer was here, or in another process, before.

        Raises:
            TooManyPeers: So much waits that this one would wait for too long.
        """
        now = self._clock()
        self._note_turn(now)
        wait = self.get_wait(now)
        limit = self._seconds * (KNOWN_FACTOR if is_known else 1.0)
        if self._seconds and wait > limit:
            raise self._refuse(now, wait)
        self.under_way += 1

    def end(self) -> None:
        """Note that one has ended, with an introduction of the server or without."""
        now = self._clock()
        self._ended += 1
        if now - self._mark >= WINDOW_SECONDS:
            if self._is_crowded:
                self._learn(now)
            self._mark, self._ended = now, 0
        self.under_way -= 1

    def get_wait(self, now: float) -> float:
        """Return how long one that begins now is expected to take.

        All that came in one turn of the loop has waited since its beginning, and maybe since that
        of the turn before.
        """
        if now - self._learnt_at > FORGET_SECONDS:
            self._cost = TYPICAL_SECONDS
        wait = self.under_way * self._cost
        if self._begun + self._begun_before >= CROWD:
            wait += now - self._turn_at + self._last_turn
        return wait

    @property
    def _is_crowded(self) -> bool:
        return max(self.under_way, self._begun + self._begun_before) >= CROWD

    def _learn(self, now: float) -> None:
        measured = (now - self._mark) / self._ended
        weight = 1 - (1 - WEIGHT) ** self._ended
        cost = self._cost + (measured - self._cost) * weight
        self._cost = min(MAX_SECONDS, max(MIN_SECONDS, cost))
        self._learnt_at = now

    def _refuse(self, now: float, wait: float) -> TooManyPeers:
        """Give a peer the next moment at which nobody else was told to come."""
        moment = max(self._booked_until, now + wait)
        self._booked_until = moment + self._cost / SHARE
        seconds = moment - now
        if seconds > MAX_TOLD_SECONDS:
            self._booked_until = moment
            seconds = MAX_TOLD_SECONDS * (1 + self._random()) / 2
        whole = max(1, math.floor(seconds + self._random()))
        return TooManyPeers(f"Too many peers come at once, try again in {whole} s", whole)

    def _note_turn(self, now: float) -> None:
        """Measure the turns of the loop while openings begin in them."""
        self._begun += 1
        if self._watches_turns:
            return
        self._watches_turns = True
        self._turn_at, self._last_turn = now, 0.0
        if not self.under_way:
            self._mark, self._ended = now, 0
        self._schedule(self._end_turn)

    def _end_turn(self) -> None:
        now = self._clock()
        self._last_turn, self._turn_at = now - self._turn_at, now
        self._watches_turns = self._begun > 0
        self._begun_before, self._begun = self._begun, 0
        if self._watches_turns:
            self._schedule(self._end_turn)

    def _schedule(self, function: Callable[[], None]) -> None:
        call_soon = self._call_soon or asyncio.get_running_loop().call_soon
        call_soon(function)
