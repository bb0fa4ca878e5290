"""What a handler says about watching its answers: `Watchable`.

Handlers whose answers can be watched give it to their endpoint; a bare endpoint, which may do
anything, has none.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

WatchScope: TypeAlias = Literal["user", "all"]
"""For whom an answer is the same: each user has one of its own, or all peers share it."""

MakeSource: TypeAlias = Callable[..., AsyncIterator[Any]]
"""Takes the request, gives the values that are shown one after another."""


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
    """

    scope: WatchScope = "user"
    depends_on: tuple[Any, ...] = ()
    source: MakeSource | None = None
    is_one: Callable[[Any], bool] | None = None


PER_USER: Final = Watchable()
"""Of handlers that say nothing else."""
