"""Who may decode what is large, and when."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from django_vortex.server.account import Account
from django_vortex.server.large_work import BURST_SECONDS, LargeWork

language: ContextVar[str] = ContextVar("language", default="none")


class Line:
    """A line with threads that work when they are told to, and a clock of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.cost = 0.0
        self.used = 0.0
        self.begun: list[Callable[[], Any]] = []
        self.waiting: list[asyncio.Future[Any]] = []
        self.timers: list[tuple[float, Callable[[], object]]] = []
        monkeypatch.setattr(time, "thread_time", self._thread_time)
        self.work = LargeWork(self._run, 0.5, lambda: self.now)

    def _thread_time(self) -> float:
        return self.used

    def _run(self, function: Callable[[], Any]) -> "asyncio.Future[Any]":
        future = asyncio.get_running_loop().create_future()
        self.begun.append(function)
        self.waiting.append(future)
        return future

    async def finish(self, cost: float = 0.0) -> None:
        """Let what was begun first run to its end, at a cost."""
        function, future = self.begun.pop(0), self.waiting.pop(0)
        self.cost = cost
        future.set_result(function())
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def using(self, name: str, names: list[str]) -> Callable[[], str]:
        def work() -> str:
            names.append(name)
            self.used += self.cost
            return name

        return work


@pytest.fixture
async def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    made = Line(monkeypatch)
    loop = asyncio.get_running_loop()

    def call_later(delay: float, callback: Callable[[], object]) -> Any:
        made.timers.append((made.now + delay, callback))

    monkeypatch.setattr(loop, "call_later", call_later)
    return made


async def test_one_runs_at_a_time_and_peers_take_turns(line: Line) -> None:
    names: list[str] = []
    outcomes = [
        line.work.run(peer, line.using(f"{peer}{number}", names))
        for peer in ("a", "b", "c")
        for number in (1, 2, 3)
    ]
    while line.begun:
        assert len(line.begun) == 1
        await line.finish()
    assert names == ["a1", "a2", "b1", "c1", "a3", "b2", "c2", "b3", "c3"]
    assert await asyncio.gather(*outcomes) == sorted(names)


async def test_peer_waits_until_its_share_pays_for_what_it_used(line: Line) -> None:
    names: list[str] = []
    first, second = (line.work.run("a", line.using(name, names)) for name in ("a1", "a2"))
    await line.finish(cost=1.5)
    assert (first.done(), line.begun) == (True, [])
    [(due, come_again)] = line.timers
    # A quarter of a processor: 1.5 s are paid in 6, of which a burst of 0.5 s are 2.
    assert due - line.now == pytest.approx(4.0)
    line.now = due
    come_again()
    await line.finish()
    assert await second == "a2"


async def test_another_peer_need_not_wait_for_one_that_has_used_much(line: Line) -> None:
    names: list[str] = []
    outcomes = [line.work.run(peer, line.using(peer, names)) for peer in ("a", "a", "b")]
    await line.finish(cost=0.8)  # more than one peer may at once, not more than all may
    [(line.now, come_again)] = line.timers
    come_again()
    await line.finish()
    assert names == ["a", "b"]
    assert outcomes[2].done()
    assert not outcomes[1].done()


async def test_all_peers_together_have_a_share(line: Line) -> None:
    names: list[str] = []
    for number in range(5):
        line.work.run(f"peer {number}", line.using(f"{number}", names))
    for _ in range(3):
        if line.begun:
            await line.finish(cost=BURST_SECONDS)
    assert names == ["0", "1"]
    [(due, _)] = line.timers
    assert due == pytest.approx(line.now + 1.0)


async def test_nothing_begins_while_the_loop_lags(line: Line) -> None:
    names: list[str] = []
    line.work.run("a", line.using("a", names))
    line.work.run("b", line.using("b", names))
    function, future = line.begun.pop(0), line.waiting.pop(0)
    outcome = function()
    line.now += 0.4  # so long nobody took notice that it had ended
    future.set_result(outcome)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert line.begun == []
    [(due, come_again)] = line.timers
    assert due == pytest.approx(line.now + 0.4)
    line.now = due
    come_again()
    assert len(line.begun) == 1


async def test_who_goes_away_is_taken_out_of_the_line(line: Line) -> None:
    names: list[str] = []
    first, second, third = (line.work.run("a", line.using(name, names)) for name in "123")
    assert isinstance(second, asyncio.Future)
    second.cancel()
    await line.finish()
    await line.finish()
    assert names == ["1", "3"]
    assert (await first, await third) == ("1", "3")


async def test_who_goes_away_while_it_runs_holds_up_nobody(line: Line) -> None:
    names: list[str] = []
    first, second = (line.work.run("a", line.using(name, names)) for name in "12")
    assert isinstance(first, asyncio.Future)
    first.cancel()
    await line.finish()
    await line.finish()
    assert await second == "2"


async def test_failure_is_raised_where_it_was_asked_for(line: Line) -> None:
    def fail() -> None:
        raise LookupError("nothing there")

    outcome = line.work.run("a", fail)
    after = line.work.run("a", lambda: 5)
    await line.finish()
    with pytest.raises(LookupError, match="nothing there"):
        await outcome
    await line.finish()
    assert await after == 5


async def test_threads_that_have_ended_are_told(line: Line) -> None:
    outcome = line.work.run("a", lambda: 5)
    line.begun.clear()
    line.waiting.pop().set_exception(RuntimeError("shut down"))
    with pytest.raises(RuntimeError, match="shut down"):
        await outcome


async def test_function_runs_in_the_context_of_who_asked(line: Line) -> None:
    language.set("de")
    outcomes = [line.work.run("a", language.get)]
    language.set("fr")
    outcomes.append(line.work.run("a", language.get))
    language.set("en")
    await line.finish()
    await line.finish()
    assert await asyncio.gather(*outcomes) == ["de", "fr"]


@pytest.fixture
def interval() -> Iterator[float]:
    before = sys.getswitchinterval()
    yield before
    sys.setswitchinterval(before)


async def test_other_threads_get_their_turn_soon_while_it_runs(line: Line, interval: float) -> None:
    outcome = line.work.run("a", sys.getswitchinterval)
    await line.finish()
    assert await outcome < interval
    assert sys.getswitchinterval() == interval


def test_account_is_paid_by_the_time_that_goes_by() -> None:
    account = Account(0.25, 1.0)
    assert account.get_start(10.0) == 10.0
    account.charge(1.0, 10.0)
    assert account.get_start(10.0) == 10.0
    account.charge(1.0, 10.0)
    assert account.get_start(10.0) == 14.0
    assert account.get_start(20.0) == 20.0
    assert not account.has_no_debt(17.9)
    assert account.has_no_debt(18.0)
