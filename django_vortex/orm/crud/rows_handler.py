"""`RowsHandler`: all rows of a Django model or a SQLAlchemy class, for reading.

Takes requests, gives instances, which are tuples themselves. Who may see which of them, and how
they are read, is the same as of an `OrmCrudHandler`; only that the queryset of the application has
the last word about order, limits, deferred columns and the database.
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar, Unpack

from django_vortex.exceptions import DefinitionError, TryAgain, UnknownOutcome, quoted
from django_vortex.handlers import ModelHandler
from django_vortex.handlers.base import HandlerOptions
from django_vortex.handlers.options import set_options
from django_vortex.orm.access import Access, PeerAccess
from django_vortex.orm.crud.failures import explain_failure
from django_vortex.orm.crud.stores import make_store
from django_vortex.orm.filt_keys import check_keys, is_of_application
from django_vortex.orm.model_spec import Shape
from django_vortex.orm.store import RefusedByDatabase, Unit
from django_vortex.routing.permission import Action, to_permission
from django_vortex.routing.permissions import (
    DefaultPermission,
    DefaultRowPermission,
    WholeHandler,
)
from django_vortex.routing.request import Request
from django_vortex.typedefs import Filt
from django_vortex.wire.payload import Payload

_T = TypeVar("_T")

_current: ContextVar[Unit | None] = ContextVar("vortex_rows_unit", default=None)
"""The transaction of an asynchronous session, in which the methods of a handler are called."""


class RowsOptions(HandlerOptions, total=False):
    """Keywords of `RowsHandler`, each of which overrides the attribute of this name."""

    session_factory: Callable[[], Any] | None
    queryset: Any


class RowsHandler(ModelHandler):
    """Sends rows of one table to whoever asks, and to others with `send_model_update`.

    The class has to be a tuple type (`tuple_type`). For some of the rows give a queryset, or define
    `get_queryset` in a subclass. With asynchronous sessions all methods run on the event loop.

    It is subclassed with what follows as attributes, or made with it as keywords, which override
    the attributes; see `BaseHandler` for those that all handlers have.

    Args:
        filt: As of `PayloadEndpoint`.
        model: The table.
        owner: As of `PayloadEndpoint`.

    Raises:
        DefinitionError: As `PayloadEndpoint`; or the class is neither, or has no session factory.
    """

    model: Any = None
    """A Django model or a SQLAlchemy class."""

    permission: Any = None
    """Who may ask, and which rows there are for whom, asked for retrieving; None is the setting
    ``PERMISSION``.
    """

    session_factory: Callable[[], Any] | None = None
    """For SQLAlchemy, what makes a session, synchronous or asynchronous, closed after each request.
    """

    queryset: Any = None
    """The rows to send, a Django queryset or a SQLAlchemy ``select``; all by default."""

    _required = ("filt", "model")
    _shape: Shape | None = None

    def __init__(
        self,
        filt: Filt | None = None,
        model: Any = None,
        *,
        owner: object = None,
        **options: Unpack[RowsOptions],
    ) -> None:
        set_options(self, {"filt": filt, "model": model, **options})
        if not (hasattr(self.model, "__mapper__") or hasattr(self.model, "_default_manager")):
            raise DefinitionError(
                f"Expected a Django model or a SQLAlchemy class, got {quoted(self.model)}"
            )
        self.store = make_store(self.model, self.session_factory, None, self._run_sync)
        self._spec = self.store.describe(self.model)
        permission = (
            DefaultRowPermission(lambda: self.payload_io.get_permission(edits_rows=False))
            if self.permission is None
            else to_permission(self.permission)
        )
        self._access = Access(permission, self.get_queryset)
        if self.store.is_async:
            self.handle = self._handle_on_loop  # type: ignore[assignment]
        self._watchable = replace(self._watchable, may_share=self._is_same_for_all)
        self._register(WholeHandler(permission), owner)

    def get_untyped(self) -> type[Any] | None:
        """Return the class whose rows cannot travel: it is no tuple type.

        None where it is one, and where a subclass or a queryset decides what travels.
        """
        cls = type(self)
        is_plain = (cls.build_model, cls.get_queryset) == (
            RowsHandler.build_model,
            RowsHandler.get_queryset,
        )
        if not is_plain or self.queryset is not None:
            return None
        known = self.payload_io.codec.registry.get_by_class(self.model)
        return self.model if known is None else None

    def get_queryset(self, request: Request) -> Any:
        """Return the queryset or ``select`` of the rows to send; may be a coroutine function."""
        if self.queryset is None:
            return self.store.get_all(self.model, is_final=True)
        return self.queryset

    def build_model(self, request: Request) -> list[Any]:
        """Return the rows of `get_queryset` that the peer may retrieve."""
        unit = _current.get()
        if unit is not None:
            return self._read(request, unit)
        return self.store.run_here(partial(self._read, request))

    def handle(self, request: Request) -> Payload:
        """Answer a request with the rows; the hooks are for those who asked."""
        try:
            return super().handle(request)
        except (RefusedByDatabase, TryAgain, UnknownOutcome) as error:
            raise explain_failure(self, error) from error

    def after_commit(self, function: Callable[[], object]) -> None:
        """Call a function when the caller's transaction on the table's database has committed."""
        self.store.after_commit(function)

    async def _handle_on_loop(self, request: Request) -> Payload:
        return await self._run_on_loop(partial(RowsHandler.handle, self, request))

    async def _run_on_loop(self, function: Callable[[], _T]) -> _T:
        if not self.store.is_async:
            return await super()._run_on_loop(function)

        def work(unit: Unit) -> _T:
            token = _current.set(unit)
            try:
                return function()
            finally:
                _current.reset(token)

        return await self.store.run(work)

    @property
    def _needs_loop(self) -> bool:
        return self.store.is_async

    def _is_same_for_all(self) -> bool:
        """Return whether all peers that may ask are answered the same."""
        cls = type(self)
        permission = self._access.permission
        if isinstance(permission, DefaultPermission):
            permission = permission.current
        is_plain = (cls.build_model, cls.get_queryset) == (
            RowsHandler.build_model,
            RowsHandler.get_queryset,
        )
        # What one of the application goes by may be seen nowhere: it is asked for each answer.
        return is_plain and not permission.restricts and not is_of_application(permission)

    def _run_sync(self, function: Callable[[], Any]) -> Awaitable[Any]:
        return self.payload_io.run_sync(function)

    def _read(self, request: Request, unit: Unit) -> list[Any]:
        permission = self._access.permission
        may_be_read = type(self) is not RowsHandler or is_of_application(permission)
        check_keys(request, self.payload_io, self.filt, may_be_read=may_be_read)
        peer_access = PeerAccess(request, unit.wait)
        scope = peer_access.make_scope(self._access, Action.RETRIEVE, is_final=True)
        rows = unit.rows(self._get_shape(), scope).find()
        if not self._access.depends_on_row:
            return rows
        return [
            row for row in rows if peer_access.is_row_allowed(self._access, Action.RETRIEVE, row)
        ]

    def _get_shape(self) -> Shape:
        """Return what travels of each row, which may be said after the handler was made.

        Of a class that is no tuple type a subclass makes tuples, and may read all columns.
        """
        spec, registry = self._spec, self.payload_io.codec.registry
        tuple_type = registry.get_by_class(self.model)
        if tuple_type is None:
            names = [field.name for field in spec.fields.values() if not field.is_many]
        else:
            names = [field.name for field in tuple_type.fields if field.name in spec.fields]
        wanted = tuple(dict.fromkeys((*spec.key_names, *names)))
        if self._shape is None or self._shape.names != wanted:  # stores remember each shape
            self._shape = Shape(self._spec, wanted)
        return self._shape
