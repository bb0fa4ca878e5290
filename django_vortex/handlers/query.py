"""`query`: a function that answers, with a name and typed arguments.

Takes a function of the request and keyword arguments, registers an endpoint that reads the
arguments from the filt of a request. What it returns is the answer; whatever is asked for so can be
watched.
"""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.handlers.declared_query import Query, note_query
from django_vortex.handlers.observable import check_additional_filt, register_observable
from django_vortex.routing.endpoint import PayloadEndpoint, describe_handler
from django_vortex.routing.lifetime import keep
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.payload_io import payload_io as default_payload_io
from django_vortex.routing.rates import Throttle
from django_vortex.routing.watchable import WatchScope, declare
from django_vortex.typedefs import Filt

_Function = TypeVar("_Function", bound=Callable[..., Any])


def query(
    name: str,
    *,
    permission: Any = None,
    throttle: Throttle = None,
    scope: WatchScope = "user",
    depends_on: Iterable[Any] = (),
    session_factory: Callable[[], Any] | None = None,
    observable: str | None = None,
    additional_filt: Filt | None = None,
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
        observable: Where observers of released clients find it, under ``name`` as the name of the
            tuples; by default the setting ``NAME``.
        additional_filt: What their filts have beside that.
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
    beside = check_additional_filt(additional_filt, f"@query({name!r})")
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
        note_query(made)
        register_observable(name, endpoint, observable, beside)
        return function

    return decorate
