"""`query`: a function that answers, with a name and typed arguments.

Takes a function of the request and keyword arguments, registers an endpoint that reads the
arguments from the filt of a request. What it returns is the answer; whatever is asked for so can be
watched.
"""

import inspect
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from typing import Any, TypeVar

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.handlers.arguments import Arguments
from django_vortex.routing.endpoint import PayloadEndpoint, describe_handler
from django_vortex.routing.lifetime import keep
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.payload_io import payload_io as default_payload_io
from django_vortex.routing.rates import Throttle
from django_vortex.routing.replies import is_one
from django_vortex.routing.request import Request
from django_vortex.routing.watchable import Watchable, WatchScope, declare

_Function = TypeVar("_Function", bound=Callable[..., Any])

_Handler = Callable[[Request], Any]

_QUERIES = "_vortex_queries"


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
        self._session_factory = session_factory
        self._payload_io = payload_io

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

        handler = answer_on_loop if self.is_async else answer
        return _name_after(self.function, answer_first if self.is_source else handler)

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

    def _is_one(self, result: Any) -> bool:
        return is_one(result, self._payload_io.codec.registry)

    def _call(self, request: Request) -> Any:
        is_native = request.dialect.is_native
        return self.function(request, **self.arguments.read(request.filt, is_native=is_native))

    def _finish(self, result: Any) -> Any:
        """Return the result of the function, or the rows if that is a statement of SQLAlchemy."""
        if getattr(type(result), "is_select", False) is not True:
            return result
        if self._session_factory is None:
            raise DefinitionError(
                f"Query {self.name!r} returns a statement, {quoted(type(result).__name__)}, and "
                "names no session to read it with: write @query(..., session_factory=Session)"
            )
        return self._payload_io.read_statement(
            result, self._session_factory, self._payload_io.run_sync, on_loop=self.is_async
        )


def query(
    name: str,
    *,
    permission: Any = None,
    throttle: Throttle = None,
    scope: WatchScope = "user",
    depends_on: Iterable[Any] = (),
    session_factory: Callable[[], Any] | None = None,
    payload_io: PayloadIO | None = None,
) -> Callable[[_Function], _Function]:
    """Make a function the answer to whoever asks under a name, once or watching.

    It takes the request and, after ``*``, arguments with types: scalars, dates, Decimal, UUID,
    Enum, registered tuple types, and ``list`` and ``Optional`` of these. They are the members of
    the filt beside ``key``. It returns a queryset, a ``select()``, a list or other iterable of
    tuples or values, or one tuple or value; None is no value. An asynchronous generator yields one
    answer after another, which no database has; who asks once gets the first.

    The function is returned unchanged, and can be called.

    Args:
        name: What clients call it; the filt is ``{"key": name}``.
        permission: Who may ask, as of `PayloadEndpoint`.
        throttle: How often peers may ask, as of `PayloadEndpoint`.
        scope: Who shares an answer that is watched: the peers of a user, or ``"all"`` peers, if it
            does not depend on who asks.
        depends_on: Tables that answers depend on beside those that are seen to be read: models, or
            names.
        session_factory: For SQLAlchemy, what makes a session, synchronous or asynchronous, for each
            ``select()`` that it returns.
        payload_io: The registry, by default the program's.

    Raises:
        DefinitionError: As `PayloadEndpoint`; or an argument has no type, or one that does not
            travel; or it is used without a name, as ``@query``.
    """
    given: object = name  # the function, where the decorator is used without a name
    if not isinstance(given, str) or not given:
        shown = describe_handler(given) if callable(given) else quoted(given)
        raise DefinitionError(
            f"@query of {shown} has no name: write @query('board.open') with a name of your own"
        )
    registered_with = default_payload_io if payload_io is None else payload_io

    def decorate(function: _Function) -> _Function:
        if not inspect.isfunction(function):
            raise DefinitionError(f"@query({name!r}) is for functions, got {quoted(function)}")
        made = Query(name, function, session_factory, registered_with)
        endpoint = PayloadEndpoint(
            {"key": name},
            made.make_handler(),
            permission=permission,
            throttle=throttle,
            payload_io=registered_with,
            watchable=declare(made.make_watchable(), scope, depends_on, f"@query({name!r})"),
        )
        keep(function, endpoint)
        vars(function).setdefault(_QUERIES, []).append(made)
        return function

    return decorate


def find_queries(function: Callable[..., Any]) -> list[Query]:
    """Return the queries that a function was made, which are none of most functions."""
    return list(getattr(function, _QUERIES, ()))


def _name_after(function: Callable[..., Any], handler: _Handler) -> _Handler:
    """Give a handler the names of a function, by which it is listed and logged."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(handler, name, getattr(function, name))
    return handler
