"""Peers that come all at once: who is let in, who is told to come later, and that all get in."""

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from django_vortex.client.backoff import Backoff
from django_vortex.client.endings import Ending, read_ending
from django_vortex.exceptions import TooManyPeers
from django_vortex.server.admission import CROWD, FORGET_SECONDS, MAX_TOLD_SECONDS, Admission
from tests.unit.server.fakes import FakeClock

CUT = Ending("cut")
ATTEMPT_SECONDS = 10.0


class Loop:
    """Calls what is due next, in turns, as an event loop does; only work takes time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._ready: list[Callable[[], None]] = []
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def time(self) -> float:
        return self.now

    def call_soon(self, function: Callable[[], None]) -> None:
        self._ready.append(function)

    def call_at(self, when: float, function: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (when, next(self._numbers), function))

    def run(self, until: float) -> None:
        while (self._ready or self._timers) and self.now < until:
            if not self._ready:
                self.now = max(self.now, self._timers[0][0])
            while self._timers and self._timers[0][0] <= self.now:
                self._ready.append(heapq.heappop(self._timers)[2])
            turn, self._ready = self._ready, []
            for function in turn:
                function()


class Storm:
    """Clients of ours and one server whose loop, or whose four threads, open so many a second."""

    def __init__(
        self, count: int, *, cost: float, refusal_cost: float = 0.001, threads_cost: float = 0.0
    ) -> None:
        self.loop = Loop()
        self.random = Random(7)
        self.admission = Admission(
            1.0, self.loop.time, random=self.random.random, call_soon=self.loop.call_soon
        )
        self.cost, self.refusal_cost, self.threads_cost = cost, refusal_cost, threads_cost
        self.threads = [0.0] * 4
        self.online: dict[int, float] = {}
        self.waits: list[float] = []
        self.attempts: list[float] = []
        self.given_up = 0
        self.backoffs = [Backoff(self.random.random) for _ in range(count)]
        self.opens_at = 0.0

    def come(self, client: int, ending: Ending) -> None:
        when = self.loop.now + self.backoffs[client].get_wait(ending)
        self.loop.call_at(when, lambda: self.arrive(client, when))

    def arrive(self, client: int, when: float) -> None:
        self.attempts.append(when)
        if when < self.opens_at:
            self.come(client, CUT)
            return
        self.loop.call_soon(lambda: self.open(client, when))  # the task that serves it

    def open(self, client: int, came: float) -> None:
        try:
            self.admission.begin(is_known=False)
        except TooManyPeers as error:
            self.loop.now += self.refusal_cost
            self.come(client, read_ending(4429, f"{round(error.retry_after)} s: too many"))
            return
        self.loop.now += self.cost
        if not self.threads_cost:
            self.end(client, came)
            return
        self.threads.sort()
        self.threads[0] = max(self.loop.now, self.threads[0]) + self.threads_cost
        self.loop.call_at(self.threads[0], lambda: self.end(client, came))

    def end(self, client: int, came: float) -> None:
        self.admission.end()
        self.waits.append(self.loop.now - came)
        if self.loop.now - came > ATTEMPT_SECONDS:
            self.given_up += 1
            self.come(client, CUT)
        else:
            self.online[client] = self.loop.now

    def begin(self, cause: Ending) -> None:
        for client in range(len(self.backoffs)):
            self.come(client, cause)
        self.loop.run(600)


@pytest.mark.parametrize(
    ("cost", "threads_cost", "seconds"),
    [(0.001, 0.0, 20), (0.0045, 0.0, 30), (0.02, 0.0, 80), (0.0005, 0.02, 60)],
    ids=["fast", "goal", "slow", "threads"],
)
@pytest.mark.parametrize("is_down", [False, True], ids=["cut", "restart"])
def test_B2_storm_of_two_thousand_ends_in_bounded_time(cost, threads_cost, seconds, is_down):
    storm = Storm(2000, cost=cost, threads_cost=threads_cost)
    storm.opens_at = 3.0 if is_down else 0.0
    storm.begin(CUT)
    assert len(storm.online) == 2000
    # After a restart the last ones are those whose spans have grown meanwhile.
    assert max(storm.online.values()) < seconds + 10 * storm.opens_at
    assert storm.given_up == 0
    assert max(storm.waits) < 3.0, "who is let in is served soon"
    tenths = Counter(int(10 * when) for when in storm.attempts if when > storm.opens_at + 1)
    assert max(tenths.values(), default=0) <= 120, "after the first second they come spread"
    served = [when for when in storm.attempts if when > storm.opens_at]
    assert len(served) < 3 * 2000, "nobody comes again and again"


def test_without_admission_the_same_storm_does_its_work_for_nothing():
    storm = Storm(2000, cost=0.02)
    storm.admission = Admission(
        0.0, storm.loop.time, random=storm.random.random, call_soon=storm.loop.call_soon
    )
    storm.begin(CUT)
    assert storm.given_up > 1000


def make(clock: FakeClock) -> Admission:
    return Admission(1.0, clock, random=lambda: 0.5, call_soon=lambda function: None)


def test_peers_that_come_one_after_another_are_let_in_however_long_each_takes():
    clock = FakeClock()
    admission = make(clock)
    for _ in range(1000):
        admission.begin(is_known=False)
        clock.seconds += 0.3
        admission._end_turn()
        admission.end()
    assert admission.under_way == 0


def test_known_peers_are_let_in_when_new_ones_are_not():
    clock = FakeClock()
    admission = make(clock)
    with pytest.raises(TooManyPeers):
        while True:
            admission.begin(is_known=False)
    new = admission.under_way
    admission.begin(is_known=True)
    with pytest.raises(TooManyPeers):
        while True:
            admission.begin(is_known=True)
    assert admission.under_way == pytest.approx(4 * new, rel=0.02)


def test_told_seconds_grow_with_the_backlog_up_to_a_limit():
    clock = FakeClock()
    admission = make(clock)
    told = []
    for _ in range(20_000):
        try:
            admission.begin(is_known=False)
        except TooManyPeers as error:
            told.append(error.retry_after)
    assert told[0] == 1
    assert told[1000] > 5
    assert max(told) <= MAX_TOLD_SECONDS
    assert all(isinstance(seconds, int) for seconds in told)


def test_what_was_slow_is_forgotten():
    clock = FakeClock()
    admission = make(clock)
    for _ in range(CROWD * 4):
        admission.begin(is_known=False)
    for _ in range(CROWD * 2):
        clock.seconds += 1
        admission.end()
    with pytest.raises(TooManyPeers):
        admission.begin(is_known=False)
    for _ in range(CROWD * 2):
        admission.end()
    clock.seconds += FORGET_SECONDS + 1
    admission._end_turn()
    admission._end_turn()
    for _ in range(CROWD * 4):
        admission.begin(is_known=False)


def test_opening_that_fails_has_ended():
    admission = make(FakeClock())
    with pytest.raises(ZeroDivisionError), admission.opening(is_known=False):
        assert admission.under_way == 1
        raise ZeroDivisionError
    assert admission.under_way == 0
