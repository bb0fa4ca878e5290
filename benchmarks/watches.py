"""Watches: what a save costs the process that 10 000 answers are watched in, and what they cost.

No database and no socket: each answer is a list of one user's tickets of one number, with what an
evaluation reads of its user, evaluated by a function that has it ready. What is measured is how
many a change concerns, how long it takes to find them, and what is kept of each.
"""

import asyncio
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any, Final

from benchmarks.goals import (
    IDLE_WATCHES,
    WATCH_MEMORY,
    WATCHER_MEMORY,
    WATCHES_EVALUATED,
    WATCHES_MANY_OVER_FEW,
)
from benchmarks.results import Result, compare, interleave
from django_vortex.exceptions import PeerError
from django_vortex.live.answers import Answer, make_answer
from django_vortex.live.changes import Change, Operation, Table
from django_vortex.live.dependencies import Dependency
from django_vortex.live.options import LiveOptions
from django_vortex.live.questions import Evaluation, Question, Scope
from django_vortex.live.watches import Watches
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.server.presentation import OwnPresentation, ShownAnswers
from django_vortex.server.subscription import Subscription
from django_vortex.wire.codec import Codec

USERS: Final = 1000
NUMBERS: Final = 10
FEW_USERS: Final = 1
WATCHERS: Final = 10_000
ROUNDS: Final = 9
SAVES: Final = 2000
IDLE_SECONDS: Final = 5.0
ALLOWED_KILOBYTES: Final = 6.0
"""For one watch with its answer."""
ALLOWED_MORE_KILOBYTES: Final = 1.0
"""For one watcher more of it."""

TICKETS: Final = Table("bench", "board_ticket")
PEOPLE: Final = Table("bench", "auth_user")
_TICKET_COLUMNS: Final = frozenset({"id", "owner_id", "number", "title", "state"})
_USER_COLUMNS: Final = frozenset({"id", "is_active", "is_staff", "is_superuser", "password"})
_DECIDING: Final = frozenset({"id", "owner_id", "number"})
_CODEC: Final = Codec()


class Population:
    """So many users, each with a list for each number, all evaluated."""

    def __init__(self, users: int) -> None:
        payload_io = PayloadIO()
        self.endpoint = PayloadEndpoint({"key": "bench"}, _answer, payload_io=payload_io)
        self.users = users
        self.evaluated = 0
        self.holder = _Holder()
        self.tasks: set[asyncio.Task[Any]] = set()
        self.watches = Watches(
            self.evaluate,
            LiveOptions(coalesce_seconds=0.0, max_watches_per_peer=1_000_000),
            clock=time.monotonic,
            start=self._start,
        )

    async def open(self) -> None:
        """Begin all watches, and wait until they are evaluated."""
        for user in range(self.users):
            for number in range(NUMBERS):
                self.watch(user, number, str(user))
        await self.settle()

    def watch(self, user: int, number: int, peer: str) -> None:
        """Let a peer watch a list."""
        filt = {"key": "bench", "where": {"owner": user, "number": number}}
        question = Question(f"{user}-{number}", Scope(user=str(user)), self.endpoint, filt)
        presentation = OwnPresentation(self.holder.shown, question.name)
        subscription = Subscription(self.holder, peer, str(user), filt, presentation)
        subscription.watch = self.watches.subscribe(question, subscription)

    async def settle(self) -> None:
        """Wait until no answer is behind."""
        while any(not watch.is_current for watch in self.watches.watches.values()):
            await asyncio.sleep(0.01)

    async def evaluate(
        self, asked: Sequence[tuple[Question, Answer | None]]
    ) -> Sequence[Evaluation]:
        """Return answers that are ready."""
        self.evaluated += len(asked)
        return [_evaluate(question, previous) for question, previous in asked]

    def _start(self, coroutine: Any) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


class _Holder:
    """Sends nothing to anybody."""

    def __init__(self) -> None:
        self.shown = ShownAnswers(lambda: 0, str)

    def deliver(self, subscription: Subscription, /) -> None:
        """Take note of what a peer has got."""
        watch = subscription.watch
        subscription.tag = None if watch is None or watch.answer is None else watch.answer.tag

    def call_when_open(self, gate: Any, function: Callable[[], None], /) -> None:
        """Call nothing, since there are no gates."""

    def end(self, subscription: Subscription, error: PeerError, /) -> bool:
        """Fail: no watch ends here."""
        raise error


def _answer(request: Any) -> None:
    raise NotImplementedError


def _evaluate(question: Question, previous: Answer | None) -> Evaluation:
    where = question.filt["where"]
    user, number = where["owner"], where["number"]
    key = user * NUMBERS + number
    row = {"id": key, "owner": user, "number": number, "title": f"Ticket {key}", "state": "open"}
    rows = Dependency(
        TICKETS,
        {"owner_id": frozenset({user}), "number": frozenset({number})},
        keys=frozenset({(key,)}),
        deciding=_DECIDING,
        columns=_TICKET_COLUMNS,
        key_columns=("id",),
    )
    own = Dependency(
        PEOPLE,
        {"id": frozenset({user})},
        keys=frozenset({(user,)}),
        deciding=frozenset({"id"}),
        columns=_USER_COLUMNS,
        key_columns=("id",),
    )
    answer = make_answer([row], False, _CODEC, previous)
    return Evaluation(answer=answer, dependencies=(rows, own))


def save(user: int, number: int) -> list[Change]:
    """Return what the save of a whole ticket tells."""
    key = user * NUMBERS + number
    columns = _TICKET_COLUMNS - {"id"}
    values = {"id": key, "owner_id": user, "number": number, "title": "x", "state": "open"}
    keys = frozenset({(key,)})
    return [Change(TICKETS, Operation.UPDATE, keys, columns, {"id": key}, values, 1)]


def log_in(user: int) -> list[Change]:
    """Return what a login tells."""
    columns = frozenset({"last_login"})
    keys = frozenset({(user,)})
    return [Change(PEOPLE, Operation.UPDATE, keys, columns, {"id": user}, {"id": user}, 1)]


def measure() -> list[Result]:
    """Count and measure, in this process."""
    return asyncio.run(_measure())


async def _measure() -> list[Result]:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    many = Population(USERS)
    await many.open()
    watch_bytes = (tracemalloc.get_traced_memory()[0] - before) / (USERS * NUMBERS)
    before = tracemalloc.get_traced_memory()[0]
    for number in range(WATCHERS):
        many.watch(0, 0, f"peer {number}")
    await many.settle()
    watcher_bytes = (tracemalloc.get_traced_memory()[0] - before) / WATCHERS
    tracemalloc.stop()
    few = Population(FEW_USERS)
    await few.open()
    count = USERS * NUMBERS
    searches = _compare_searches(many, few)
    return [
        compare(
            f"watches of {count} that a save evaluates, against those it changes",
            await _count_evaluated(many, save(7, 3)),
            1.0,
            "watches",
            goal=WATCHES_EVALUATED,
            is_less_better=True,
        ),
        compare(
            f"watches of {count} that a save and a login evaluate, against the same",
            await _count_evaluated(many, [*save(7, 3), *log_in(7)]),
            1.0,
            "watches",
            goal=WATCHES_EVALUATED,
            is_less_better=True,
        ),
        *searches,
        compare(
            f"processor time of {count} idle watches, against 2 % of a core",
            max(await _measure_idle(), 0.001),
            2.0,
            "%",
            goal=IDLE_WATCHES,
            is_less_better=True,
        ),
        compare(
            "memory of a watch with one watcher and one row, against what is allowed",
            watch_bytes / 1000,
            ALLOWED_KILOBYTES,
            "kB",
            goal=WATCH_MEMORY,
            is_less_better=True,
        ),
        compare(
            "memory of one watcher more, against what is allowed",
            watcher_bytes / 1000,
            ALLOWED_MORE_KILOBYTES,
            "kB",
            goal=WATCHER_MEMORY,
            is_less_better=True,
        ),
    ]


def _compare_searches(many: Population, few: Population) -> list[Result]:
    """Compare how many saves a second are looked up among many watches and among few."""
    sides = {"many": many.watches, "few": few.watches}
    medians = interleave(
        {name: lambda watches=watches: _search(watches) for name, watches in sides.items()},
        rounds=ROUNDS,
    )
    return [
        compare(
            f"saves looked up among {USERS * NUMBERS} watches, against {FEW_USERS * NUMBERS}",
            medians["many"],
            medians["few"],
            "saves/s",
            goal=WATCHES_MANY_OVER_FEW,
        )
    ]


def _search(watches: Watches) -> float:
    saves = [save(0, number % NUMBERS) for number in range(SAVES)]
    start = time.perf_counter()
    for changes in saves:
        found = watches.find_concerned(changes)
    seconds = time.perf_counter() - start
    assert len(found) == 1, found
    return SAVES / seconds


async def _count_evaluated(population: Population, changes: list[Change]) -> float:
    before = population.evaluated
    population.watches.tell(changes)
    await population.settle()
    return float(population.evaluated - before)


async def _measure_idle() -> float:
    """Return the percentage of a core that watches take while nothing happens."""
    start, begun = time.process_time(), time.monotonic()
    await asyncio.sleep(IDLE_SECONDS)
    return (time.process_time() - start) / (time.monotonic() - begun) * 100
