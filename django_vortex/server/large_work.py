"""Decode and encode large payloads one at a time, with a bounded share of a processor.

Takes functions with the peer they are for, gives awaitables. Peers take turns. What a piece has
cost is known only afterwards, so it is paid then: a peer, and all of them together, wait until what
they have used is no more than their share of the time.
"""

import asyncio
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from django_vortex.server.account import Account
from django_vortex.typedefs import RunSync
from django_vortex.wire.collector import collector_paused

PEER_PART: Final = 0.5
"""How much of the share of all one peer may have."""

BURST_SECONDS: Final = 0.5
"""Processor time that may be used at once by who has used none for a while."""

MAX_LAG_SECONDS: Final = 0.1
"""A loop that is later than this gets as much time as it was late before the next piece."""

MAX_WAIT_SECONDS: Final = 1.0
"""The longest such pause, since a loop may be late for other reasons, for ever."""

SWITCH_SECONDS: Final = 0.0005
"""How soon a thread that works lets the loop go on; Python's own 5 ms add up over many sockets."""

MAX_ACCOUNTS: Final = 1000
"""So many accounts are kept before those are dropped that owe nothing."""

_T = TypeVar("_T")

_Job = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class LargeWork:
    """Runs functions elsewhere, one after another. To be used on one loop.

    Args:
        run: Runs a function in a thread of its own.
        share: How much of one processor may be used, from 0 to 1.
        now: The time in seconds.
    """

    def __init__(
        self, run: RunSync, share: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._run = run
        self._now = now
        self._share = share
        self._total = Account(share, BURST_SECONDS)
        self._accounts: dict[str, Account] = {}
        self._jobs: dict[str, deque[_Job]] = {}
        self._is_running = False
        self._timer: asyncio.TimerHandle | None = None
        self._not_before = 0.0

    def run(self, peer: str, function: Callable[[], _T], /) -> Awaitable[_T]:
        """Run a function when it is the turn of the peer that it is for.

        Cancelling the awaitable takes the function out of the line, or leaves it to its end.
        """
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        # Started in the context of whatever has ended before it; its own goes with it.
        work = partial(copy_context().run, function)
        self._jobs.setdefault(peer, deque()).append((work, future))
        self._go_on()
        return future

    def _go_on(self) -> None:
        """Start the next function that may, or come again when one may."""
        if self._is_running or self._timer is not None or not self._jobs:
            return
        now = self._now()
        peer, start = self._choose(now)
        start = max(start, self._not_before, self._total.get_start(now))
        if start > now:
            self._timer = asyncio.get_running_loop().call_later(start - now, self._come_again)
            return
        jobs = self._jobs.pop(peer)
        function, future = jobs.popleft()
        if jobs:
            self._jobs[peer] = jobs  # behind the others
        if future.cancelled():
            self._go_on()
            return
        self._is_running = True
        running = asyncio.ensure_future(self._run(lambda: _measure(function, self._now)))
        running.add_done_callback(lambda ran: self._settle(peer, future, ran))

    def _come_again(self) -> None:
        self._timer = None
        self._go_on()

    def _choose(self, now: float) -> tuple[str, float]:
        """Return the peer whose turn it is, and when it may start."""
        best, earliest = "", float("inf")
        for peer, jobs in list(self._jobs.items()):
            while jobs and jobs[0][1].cancelled():
                jobs.popleft()
            if not jobs:
                del self._jobs[peer]
                continue
            account = self._accounts.get(peer)
            start = now if account is None else account.get_start(now)
            if start <= now:
                return peer, now
            if start < earliest:
                best, earliest = peer, start
        return best, earliest

    def _settle(self, peer: str, future: "asyncio.Future[Any]", ran: "asyncio.Future[Any]") -> None:
        """Hand on what a function gave, and count what it has cost."""
        self._is_running = False
        now = self._now()
        outcome = _Outcome()
        if ran.cancelled():  # the thread has ended
            future.cancel()
        elif (error := ran.exception()) is not None:
            outcome.error = error
        else:
            outcome = ran.result()
            self._charge(peer, outcome.seconds, now)
            lag = now - outcome.ended_at
            if lag > MAX_LAG_SECONDS:
                self._not_before = now + min(lag, MAX_WAIT_SECONDS)
        if future.done():  # whoever asked went away
            pass
        elif outcome.error is None:
            future.set_result(outcome.value)
        else:
            future.set_exception(outcome.error)
        self._go_on()

    def _charge(self, peer: str, seconds: float, now: float) -> None:
        self._total.charge(seconds, now)
        account = self._accounts.get(peer)
        if account is None:
            if len(self._accounts) >= MAX_ACCOUNTS:
                self._accounts = {
                    name: one for name, one in self._accounts.items() if not one.has_no_debt(now)
                }
            account = Account(self._share * PEER_PART, BURST_SECONDS)
            self._accounts[peer] = account
        account.charge(seconds, now)


@dataclass(slots=True)
class _Outcome:
    """What a function gave, and what it has cost."""

    value: Any = None
    error: BaseException | None = None
    seconds: float = 0.0
    ended_at: float = 0.0


def _measure(function: Callable[[], Any], now: Callable[[], float]) -> _Outcome:
    """Run a function in this thread; other threads need not wait long for theirs."""
    outcome = _Outcome()
    begin = time.thread_time()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(min(interval, SWITCH_SECONDS))
    try:
        with collector_paused():
            outcome.value = function()
    except Exception as error:
        outcome.error = error
    finally:
        sys.setswitchinterval(interval)
    outcome.seconds = time.thread_time() - begin
    outcome.ended_at = now()
    return outcome
