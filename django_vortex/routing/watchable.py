"""What a handler says about watching its answers: `Watchable`.

Handlers whose answers can be watched give it to their endpoint; a bare endpoint, which may do
anything, has none.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NoReturn, TypeAlias, get_args

from django_vortex.exceptions import DefinitionError, quoted

WatchScope: TypeAlias = Literal["user", "all"]
"""For whom an answer is the same: each user has one of its own, or all peers share it."""

MakeSource: TypeAlias = Callable[..., AsyncIterator[Any]]
"""Takes the request, gives the values that are shown one after another."""


class NeedsLoop(Exception):
    """Something of an evaluation has to be awaited, which a thread cannot do."""


def refuse_to_wait(awaitable: Any) -> NoReturn:
    """Raise `NeedsLoop` for something that would have to be awaited, and is not."""
    if inspect.iscoroutine(awaitable):
        awaitable.close()
    raise NeedsLoop


@dataclass(frozen=True, slots=True)
class Watchable:
    """How the answers of an endpoint are watched.

    Attributes:
        scope: For whom an answer is the same. Who may watch is asked of each peer in either case.
        depends_on: Models or tables that the answers depend on, beside those that are seen to be
            read.
        source: Makes the values of a query that no database has; it is not evaluated, but begun
            with the first watcher and closed with the last.
        is_one: Tells of what the handler returned whether it is a single tuple or value, and not a
            list; None is never.
        may_share: Tells whether all peers that may ask get the same, though nobody has said so;
            None is no.
        read: Answers in a thread, in the transaction of the batch, in place of a handler that waits
            for threads itself; raises `NeedsLoop` where it would have to wait. None is the handler.
    """

    scope: WatchScope = "user"
    depends_on: tuple[Any, ...] = ()
    source: MakeSource | None = None
    is_one: Callable[[Any], bool] | None = None
    may_share: Callable[[], bool] | None = None
    read: Callable[..., Any] | None = None


PER_USER: Final = Watchable()
"""Of handlers that say nothing else."""


def declare(
    watchable: Watchable, scope: WatchScope, depends_on: Iterable[Any], where: str
) -> Watchable:
    """Return how answers are watched with what an application says of it.

    Args:
        watchable: What the handler says itself.
        scope: For whom an answer is the same.
        depends_on: Models or tables.
        where: How errors call the handler.

    Raises:
        DefinitionError: There is no such scope, or the tables are no list.
    """
    if scope not in get_args(WatchScope):
        raise DefinitionError(f"{where}: scope is 'user' or 'all', got {quoted(scope)}")
    if isinstance(depends_on, str | type) or not isinstance(depends_on, Iterable):
        raise DefinitionError(
            f"{where}: depends_on is a list of models or names of tables, got {quoted(depends_on)}"
        )
    tables = tuple(depends_on)
    if scope == watchable.scope and tables == watchable.depends_on:
        return watchable
    return replace(watchable, scope=scope, depends_on=tables)
