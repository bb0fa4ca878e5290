"""`notify`: tell that answers of a query have changed, where no database says so.

Takes a query and arguments, tells the change log; whatever is watched of it is evaluated again.
Mappers (PROTOCOL 11) tell of further queries whose answers are derived from it.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django_vortex.exceptions import DefinitionError, ValidationError, quoted
from django_vortex.handlers.declared_query import Mapper, Query, find_queries
from django_vortex.handlers.query_tables import make_change
from django_vortex.live.telling import telling
from django_vortex.routing.endpoint import describe_handler

_Mapper = TypeVar("_Mapper", bound=Mapper)


def notify(query: Callable[..., Any], /, **arguments: Any) -> None:
    """Tell that answers of a query have changed, and let those that are watched be evaluated again.

    For answers made of what no database of the project holds; what its ORMs write is noticed
    without it. It may be called anywhere. In a transaction of Django, on the default database, it
    takes effect when that is committed.

    Args:
        query: The function that ``@query`` decorates.
        arguments: Those of the answers that have changed; of those left out any value is meant.

    Raises:
        DefinitionError: It is no query, or has no such arguments.
    """
    for one in _find(query):
        given = _read(one, arguments)
        _tell(one, given)
        for mapper in one.mappers:
            for derived, others in mapper(**given) or ():
                for other in _find(derived):
                    _tell(other, _read(other, others))


def notify_mapper(*queries: Callable[..., Any]) -> Callable[[_Mapper], _Mapper]:
    """Let a function say what else has changed when `notify` tells of a change of these queries.

    It takes the arguments of the notification, and returns or yields further queries, each with
    the arguments of its answers. Those have no mappers called for them.

    Raises:
        DefinitionError: One of them is no query.
    """
    found = [one for query in queries for one in _find(query)]

    def decorate(mapper: _Mapper) -> _Mapper:
        for one in found:
            one.mappers.append(mapper)
        return mapper

    return decorate


def _find(function: Callable[..., Any]) -> list[Query]:
    found = find_queries(function)
    if not found:
        raise DefinitionError(f"{quoted(function)} is no query: decorate it with @query")
    return found


def _read(query: Query, arguments: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return query.arguments.read(query.arguments.write(arguments), is_partial=True)
    except ValidationError as error:
        where = f"notify of {describe_handler(query.function)}"
        raise DefinitionError(f"{where}: {error}") from error


def _tell(query: Query, arguments: Mapping[str, Any]) -> None:
    registry = query.payload_io.codec.registry
    is_complete = query.arguments.names == arguments.keys()
    change = make_change(query.name, arguments, registry, is_complete=is_complete)
    tell = query.payload_io.tell_with_commit or telling.tell
    tell([change])
