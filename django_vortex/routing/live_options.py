"""What handlers declare about watching their answers: `LiveOptions`.

Takes keywords of handlers, gives what whoever evaluates a watched answer reads of an endpoint.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.routing.request import Request

ScopeName: TypeAlias = Literal["user", "all"]
"""Who shares an answer: the peers of a user, or all peers."""


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How the answers of an endpoint are watched.

    Attributes:
        scope: ``"user"`` evaluates an answer for each user, ``"all"`` once for all peers: then it
            must not depend on who asks.
        depends_on: Tables that answers depend on beside those that are seen to be read: models,
            classes and tables of the ORMs, or names of tables.
        open_source: Opens what gives the answers one after another, instead of an evaluation: for
            each question it is opened with its first watcher and closed with the last, and what it
            reads is not tracked. None for all that is evaluated.
    """

    scope: ScopeName = "user"
    depends_on: tuple[Any, ...] = ()
    open_source: Callable[[Request], AsyncIterator[Any]] | None = None


NO_OPTIONS: Final = LiveOptions()
"""What holds for handlers that declare nothing."""


def make_live_options(
    scope: ScopeName,
    depends_on: Iterable[Any],
    where: str,
    open_source: Callable[[Request], AsyncIterator[Any]] | None = None,
) -> LiveOptions:
    """Return the options of a handler.

    Raises:
        DefinitionError: There is no such scope, or the tables are no list.
    """
    if scope not in get_args(ScopeName):
        raise DefinitionError(f"{where}: scope is 'user' or 'all', got {quoted(scope)}")
    if isinstance(depends_on, str | type) or not isinstance(depends_on, Iterable):
        raise DefinitionError(
            f"{where}: depends_on is a list of models or names of tables, got {quoted(depends_on)}"
        )
    if scope == "user" and not depends_on and open_source is None:
        return NO_OPTIONS
    return LiveOptions(scope, tuple(depends_on), open_source)
