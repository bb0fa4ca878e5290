"""What is watched, by whom, at what cost and how late: `describe` and `measure_lag`.

Takes watches and the time, gives plain data for commands and inspectors. Everything is counted when
somebody asks, nothing before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django_vortex.live.dependencies import Dependency
from django_vortex.live.watch import Watch
from django_vortex.quoting import quoted

MAX_VALUES: Final = 10
"""How many values of an equality are named."""


@dataclass(frozen=True, slots=True)
class DependencyStatistics:
    """What an answer depends on, of one table.

    Attributes:
        database: The name of the database.
        table: The table.
        equalities: By column what rows must be equal to, quoted; of many values the first.
        keys: How many rows it is by their keys, None if keys do not count.
        columns: The columns that count, None for any.
    """

    database: str
    table: str
    equalities: dict[str, list[str]]
    keys: int | None
    columns: list[str] | None


@dataclass(frozen=True, slots=True)
class WatchStatistics:
    """What is known of one watch.

    Attributes:
        name: The digest of its filt.
        filt: What is asked.
        user: For which user; None for anonymous peers, and where all share.
        peer: For which peer alone, None if for others too.
        is_shared: Whether all peers share it.
        subscribers: How many peers watch it.
        dependencies: What it depends on.
        evaluations: How often it was evaluated.
        failures: How many evaluations have failed since the last answer.
        error: Why, as its peers were told.
        seconds: How long the last evaluation took, None before the first.
        tag: Of the answer, None if there is none.
        rows: Of the answer.
        bytes: About how much of it is held.
        position: The position of the change log that the answer contains.
        is_stale: Whether changes may concern it that the answer does not contain.
        is_running: Whether it is being evaluated.
        is_hanging: Whether an evaluation took too long and still runs.
        behind: How many peers have not been sent the answer.
        seconds_behind: For how long some of them have not, or the answer was not right.
    """

    name: str
    filt: dict[str, Any]
    user: str | None
    peer: str | None
    is_shared: bool
    subscribers: int
    dependencies: list[DependencyStatistics]
    evaluations: int
    failures: int
    error: str | None
    seconds: float | None
    tag: str | None
    rows: int | None
    bytes: int
    position: int
    is_stale: bool
    is_running: bool
    is_hanging: bool
    behind: int
    seconds_behind: float


@dataclass(frozen=True, slots=True)
class Lag:
    """How far all watches are behind.

    Attributes:
        watches: How many there are.
        subscribers: How many subscriptions to them.
        stale: How many have no answer that contains all that was told.
        hanging: How many have an evaluation that took too long and still runs.
        failing: How many have no answer because the last evaluation failed.
        behind: How many subscriptions have not been sent the answer that there is.
        seconds: For how long the one that is behind longest is so.
    """

    watches: int = 0
    subscribers: int = 0
    stale: int = 0
    hanging: int = 0
    failing: int = 0
    behind: int = 0
    seconds: float = 0.0


def describe(watch: Watch, now: float) -> WatchStatistics:
    """Return what is known of a watch at a time."""
    question, answer, evaluation = watch.question, watch.answer, watch.evaluation
    behind = _count_behind(watch)
    return WatchStatistics(
        name=question.name,
        filt=dict(question.filt),
        user=question.scope.user,
        peer=question.scope.peer,
        is_shared=question.scope.is_shared,
        subscribers=len(watch.subscribers),
        dependencies=[_describe_dependency(one) for one in watch.dependencies],
        evaluations=watch.evaluations,
        failures=watch.failures,
        error=None if watch.error is None else str(watch.error),
        seconds=None if evaluation is None else evaluation.seconds,
        tag=None if answer is None else answer.tag,
        rows=None if answer is None else len(answer),
        bytes=0 if answer is None else answer.held_bytes,
        position=watch.answered_at,
        is_stale=watch.is_stale,
        is_running=watch.is_running,
        is_hanging=watch.is_hanging,
        behind=behind,
        seconds_behind=_measure_seconds(watch, behind, now),
    )


def measure_lag(watches: Iterable[Watch], now: float) -> Lag:
    """Return how far watches are behind at a time."""
    count = subscribers = stale = hanging = failing = behind = 0
    seconds = 0.0
    for watch in watches:
        own = _count_behind(watch)
        count += 1
        subscribers += len(watch.subscribers)
        stale += not watch.is_current
        hanging += watch.is_hanging
        failing += watch.error is not None
        behind += own
        seconds = max(seconds, _measure_seconds(watch, own, now))
    return Lag(count, subscribers, stale, hanging, failing, behind, seconds)


def _count_behind(watch: Watch) -> int:
    if watch.answer is None:
        return len(watch.subscribers)
    tag = watch.answer.tag
    return sum(one.tag != tag for one in watch.subscribers)


def _measure_seconds(watch: Watch, behind: int, now: float) -> float:
    times = watch.times
    since = [now if times.stale_since is None else times.stale_since]
    if behind and watch.answer is not None:
        since.append(times.changed_at)
    return max(0.0, now - min(since))


def _describe_dependency(dependency: Dependency) -> DependencyStatistics:
    columns = dependency.columns
    if columns is None and dependency.keys is not None:
        columns = dependency.deciding
    return DependencyStatistics(
        database=dependency.table.database,
        table=dependency.table.name,
        equalities={
            column: [quoted(value) for value in sorted(values, key=repr)[:MAX_VALUES]]
            for column, values in sorted(dependency.equalities.items())
        },
        keys=None if dependency.keys is None else len(dependency.keys),
        columns=None if columns is None else sorted(columns),
    )
