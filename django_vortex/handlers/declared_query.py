"""A function that answers under a name: `Query`, what stands behind the decorator `query`.

Takes requests, reads the arguments from their filts, gives what the function returns.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, Final, TypeAlias

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.handlers.arguments import Arguments
from django_vortex.handlers.query_tables import make_dependency
from django_vortex.live.recording import get_recorder
from django_vortex.routing.endpoint import describe_handler
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.registered import Registered
from django_vortex.routing.replies import is_one
from django_vortex.routing.request import Request
from django_vortex.routing.watchable import Watchable
from django_vortex.typedefs import Filt

_Handler = Callable[[Request], Any]

Mapper: TypeAlias = Callable[..., Iterable[tuple[Callable[..., Any], Mapping[str, Any]]] | None]
"""Takes the arguments of a notification, gives further queries and their arguments."""

_QUERY: Final = "_vortex_query"
"""The attribute of a handler in which its query is found."""

_QUERIES: Final = "_vortex_queries"
"""The attribute of a function in which the queries are found that were made of it."""


class Query:
    """A function as an answer to requests under a name.

    Args:
        name: The name.
        function: Takes the request and keyword arguments.
        session_factory: Makes the sessions for statements that it returns.
        payload_io: The registry it is registered with.

    Raises:
        DefinitionError: As of `query`.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        session_factory: Callable[[], Any] | None,
        payload_io: PayloadIO,
    ) -> None:
        self.name = name
        self.function = function
        where = f"@query({name!r}) of {describe_handler(function)}"
        self.arguments = Arguments(function, payload_io.codec.registry, where)
        self.is_source = inspect.isasyncgenfunction(function)
        self.is_async = self.is_source or inspect.iscoroutinefunction(function)
        self.payload_io = payload_io
        self.mappers: list[Mapper] = []
        """What else is notified; see `notify_mapper`."""
        self._session_factory = session_factory

    def make_handler(self) -> _Handler:
        """Return what answers a request, which has the names of the function."""

        def answer(request: Request) -> Any:
            return self._finish(self._call(request))

        async def answer_on_loop(request: Request) -> Any:
            result = self._finish(await self._call(request))
            return await result if inspect.isawaitable(result) else result

        async def answer_first(request: Request) -> Any:
            async with aclosing(self._call(request)) as values:
                async for value in values:
                    return value
            return None

        handler: _Handler = answer_on_loop if self.is_async else answer
        if self.is_source:
            handler = answer_first
        for name in ("__module__", "__name__", "__qualname__", "__doc__"):  # to be listed by
            setattr(handler, name, getattr(self.function, name))
        setattr(handler, _QUERY, self)
        return handler

    def make_watchable(self) -> Watchable:
        """Return how its answers are watched, as far as the function says that itself."""
        source = self.open_source if self.is_source else None
        return Watchable(source=source, is_one=self._is_one)

    def open_source(self, request: Request) -> AsyncIterator[Any]:
        """Return what gives the values of an asynchronous generator for the filt of a request.

        Raises:
            ValidationError: Its arguments are wrong.
        """
        source: AsyncIterator[Any] = self._call(request)
        return source

    def make_filt(self, arguments: Filt, *, is_native: bool) -> Filt:
        """Return the filt of our own dialect that asks for arguments, whoever has written them.

        Raises:
            ValidationError: They are wrong.
        """
        keywords = self.arguments.read(arguments, is_native=is_native)
        return {"key": self.name, **self.arguments.write(keywords)}

    def _is_one(self, result: Any) -> bool:
        return is_one(result, self.payload_io.codec.registry)

    def _call(self, request: Request) -> Any:
        keywords = self.arguments.read(request.filt, is_native=request.dialect.is_native)
        recorder = get_recorder()
        if recorder is not None:
            registry = self.payload_io.codec.registry
            given = self.arguments.complete(keywords)
            recorder.reads.append(make_dependency(self.name, given, registry))
        return self.function(request, **keywords)

    def _finish(self, result: Any) -> Any:
        """Return the result of the function, or the rows if that is a statement of SQLAlchemy."""
        if getattr(type(result), "is_select", False) is not True:
            return result
        if self._session_factory is None:
            raise DefinitionError(
                f"Query {self.name!r} returns a statement, {quoted(type(result).__name__)}, and "
                "names no session to read it with: write @query(..., session_factory=Session)"
            )
        return self.payload_io.read_statement(
            result, self._session_factory, self.payload_io.run_sync, on_loop=self.is_async
        )


def note_query(query: Query) -> None:
    """Note on its function that a query was made of it."""
    vars(query.function).setdefault(_QUERIES, []).append(query)


def find_queries(function: Callable[..., Any]) -> list[Query]:
    """Return the queries that were made of a function, which are none of most functions."""
    return list(getattr(function, _QUERIES, ()))


def get_query(endpoint: Registered) -> Query | None:
    """Return the query that an endpoint was made for, if it was."""
    query: Query | None = getattr(endpoint.handler, _QUERY, None)
    return query
