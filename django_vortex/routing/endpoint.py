"""Endpoints: a filt and the handler of all messages whose filt contains it."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.routing.filt import check_filt
from django_vortex.routing.lifetime import get_site, keep
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.payload_io import payload_io as default_payload_io
from django_vortex.routing.permission import Permission, to_permission
from django_vortex.routing.rates import Rates, Throttle, read_rates
from django_vortex.routing.unkept import Unkept
from django_vortex.routing.watchable import Watchable
from django_vortex.typedefs import Filt

Handler = Callable[..., Any]
"""Takes the request; gives the reply, or a coroutine of it."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


class PayloadEndpoint:
    """A filt and its handler, registered on construction.

    The endpoint holds its handler; the registry holds the endpoint weakly. One that is constructed
    in the body of a module or in the ``ready()`` of an app lives as long as that does; elsewhere it
    lives as long as a reference to it is kept. One that is collected before its first request is
    logged.

    Args:
        filt: What a message's filt must contain to come here; has a ``key``.
        handler: Called with the `Request`. ``def`` runs where it may block, ``async def`` on the
            loop. What it returns is the reply, what it raises is told to the peer.
        accept_only_from: Names of the peers whose messages are handled; all if empty.
        ignore_from: Names of peers whose messages are ignored.
        permission: Who may send requests, a `Permission` or a class of them. It is asked with
            `Action.RETRIEVE`, whatever the handler does, before the payload is decoded. By default
            the setting ``PERMISSION``, which lets everybody send requests unless it is changed.
        throttle: How often peers may send requests: a rate such as ``"60/m"`` for each user (for
            each address where nobody is logged in), or rates by what is counted; see `read_rates`.
        payload_io: The registry, by default the program's.
        owner: An object that keeps this endpoint alive for as long as it lives itself.
        watchable: How its answers are watched; by default they cannot be.

    Raises:
        DefinitionError: A filt without ``key``, a handler that cannot be called with a request, or
            a permission or a rate that is not valid, or a permission that restricts rows.
    """

    __slots__ = (
        "__weakref__",
        "accept_only_from",
        "filt",
        "handler",
        "hears_all",
        "ignore_from",
        "is_async",
        "payload_io",
        "permission",
        "rates",
        "site",
        "unkept",
        "watchable",
    )

    def __init__(
        self,
        filt: Filt,
        handler: Handler,
        *,
        accept_only_from: Iterable[str] = (),
        ignore_from: Iterable[str] = (),
        permission: Any = None,
        throttle: Throttle = None,
        payload_io: PayloadIO | None = None,
        owner: object = None,
        watchable: Watchable | None = None,
    ) -> None:
        self.filt = check_filt(filt)
        self.handler = check_handler(handler)
        self.is_async = is_async(handler)
        self.accept_only_from = _names(accept_only_from)
        self.ignore_from = _names(ignore_from)
        self.hears_all = not self.accept_only_from and not self.ignore_from
        self.site = get_site()
        self.payload_io = default_payload_io if payload_io is None else payload_io
        self.permission = make_permission(permission, self.payload_io, repr(self))
        self.rates = None if throttle is None else Rates(read_rates(throttle))
        self.watchable = watchable
        if owner is not None:
            keep(owner, self)
        self.unkept: Unkept | None = None
        if self.site.module is None and (owner is None or owner is handler):
            self.unkept = Unkept(repr(self), f"{self.site.filename}:{self.site.line}")
        self.payload_io.add(self)

    def accepts(self, peer_name: str) -> bool:
        """Return whether messages of peers with this name are handled."""
        if self.accept_only_from and peer_name not in self.accept_only_from:
            return False
        return peer_name not in self.ignore_from

    def close(self) -> None:
        """Remove the endpoint from its registry; may be called twice."""
        self.payload_io.remove(self)

    def __repr__(self) -> str:
        return f"<PayloadEndpoint {self.filt!r} {describe_handler(self.handler)}>"


def endpoint(
    filt: Filt,
    *,
    accept_only_from: Iterable[str] = (),
    ignore_from: Iterable[str] = (),
    permission: Any = None,
    throttle: Throttle = None,
    payload_io: PayloadIO | None = None,
    owner: object = None,
) -> Callable[[_Function], _Function]:
    """Make a function the handler of a filt; takes what `PayloadEndpoint` takes.

    A handler that changes anything should name a ``permission``: by default everybody may send it
    requests.

    The function is returned unchanged and keeps its endpoint, so that one that is defined within
    another function lives as long as the function does.

    Raises:
        DefinitionError: As `PayloadEndpoint`; or it is used without a filt, as ``@endpoint``.
    """
    if callable(filt):
        raise DefinitionError(
            f"@endpoint of {describe_handler(filt)} has no filt: write "
            "@endpoint({'key': 'board.echo'}) with a key of your own"
        )
    filt = check_filt(filt)

    def decorate(function: _Function) -> _Function:
        PayloadEndpoint(
            filt,
            function,
            accept_only_from=accept_only_from,
            ignore_from=ignore_from,
            permission=permission,
            throttle=throttle,
            payload_io=payload_io,
            owner=function if owner is None else owner,
        )
        return function

    return decorate


def make_permission(value: Any, payload_io: PayloadIO, where: str) -> Permission:
    """Return the permission of a handler without rows; None is the registry's default.

    Raises:
        DefinitionError: It is not a permission, or one that restricts rows.
    """
    if value is None:
        return payload_io.default_permission
    permission = to_permission(value)
    if permission.restricts:
        raise DefinitionError(
            f"{permission} tells rows apart by scope or allows_object, and {where} has no rows: "
            "decide by allows(request, action), or use a RowsHandler or an OrmCrudHandler"
        )
    return permission


def describe_handler(handler: Handler) -> str:
    """Return module and name of a handler; of a bound method those of its object's class."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    owner = getattr(handler, "__self__", None)
    is_bound = owner is not None and not isinstance(owner, type) and not inspect.ismodule(owner)
    named = type(owner) if is_bound else handler
    name = getattr(named, "__qualname__", None) or type(named).__qualname__
    return f"{named.__module__}.{name}"


def is_async(handler: Handler) -> bool:
    """Return whether calling a handler gives a coroutine."""
    return inspect.iscoroutinefunction(_code_of(handler))


def check_handler(handler: Handler) -> Handler:
    """Return the handler as it is.

    Raises:
        DefinitionError: It cannot be called with one argument, or gives an asynchronous iterator.
    """
    if not callable(handler):
        raise DefinitionError(f"Expected a function of the request, got {quoted(handler)}")
    name = getattr(handler, "__qualname__", None) or quoted(handler)
    if inspect.isasyncgenfunction(_code_of(handler)):
        raise DefinitionError(
            f"Handler {name} yields and is asynchronous; collect what it yields and return a list"
        )
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):  # a builtin that does not tell
        return handler
    try:
        signature.bind(object())
    except TypeError:
        taken = ", ".join(signature.parameters)
        text = f"Handler {name} takes ({taken}), but is called with one argument, the request"
        raise DefinitionError(text) from None
    return handler


def _code_of(handler: Handler) -> Handler:
    """Return what runs when a handler is called: of an object its ``__call__``."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    if inspect.isroutine(handler) or isinstance(handler, type):
        return handler
    call: Handler = type(handler).__call__
    return call


def _names(names: Iterable[str]) -> frozenset[str]:
    return frozenset([names] if isinstance(names, str) else names)
