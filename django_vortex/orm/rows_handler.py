"""`RowsHandler`: all rows of a Django model or a SQLAlchemy class."""

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from django_vortex.exceptions import DefinitionError, TryAgain, quoted
from django_vortex.handlers import ModelHandler
from django_vortex.handlers.base import HandlerOptions
from django_vortex.handlers.options import set_options
from django_vortex.logs import get_limited_logger
from django_vortex.orm.access import Access, PeerAccess
from django_vortex.orm.conditions import Condition
from django_vortex.orm.django.rows import DjangoRows
from django_vortex.orm.filt_keys import check_keys, is_of_application
from django_vortex.orm.sqlalchemy.rows import SqlAlchemyRows
from django_vortex.orm.transient import may_try_again
from django_vortex.orm.waiting import Waiting
from django_vortex.routing.permission import Action, to_permission
from django_vortex.routing.permissions import DefaultRowPermission, WholeHandler
from django_vortex.routing.request import Request
from django_vortex.typedefs import Filt

logger = get_limited_logger(__name__)


class RowsOptions(HandlerOptions, total=False):
    """Keywords of `RowsHandler`, each of which overrides the attribute of this name."""

    session_factory: Callable[[], Any] | None
    queryset: Any


class RowsHandler(ModelHandler):
    """Sends rows of one table to whoever asks, and to others with `send_model_update`.

    The class has to be a tuple type (`tuple_type`). For some of the rows give a queryset, or define
    `get_queryset` in a subclass.

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
    """For SQLAlchemy, what makes a session, which is closed after each request."""

    queryset: Any = None
    """The rows to send, a Django queryset or a SQLAlchemy ``select``; all by default."""

    _required = ("filt", "model")

    def __init__(
        self,
        filt: Filt | None = None,
        model: Any = None,
        *,
        owner: object = None,
        **options: Unpack[RowsOptions],
    ) -> None:
        set_options(self, {"filt": filt, "model": model, **options})
        self._rows = _make_rows(self.model, self.session_factory)
        self._access = Access(
            DefaultRowPermission(lambda: self.payload_io.find_permission(edits_rows=False))
            if self.permission is None
            else to_permission(self.permission)
        )
        self._register(WholeHandler(self._access.permission), owner)

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
        """Return the queryset or ``select`` of the rows to send."""
        return self._rows.get_all() if self.queryset is None else self.queryset

    def build_model(self, request: Request) -> list[Any]:
        """Return the rows of `get_queryset` that the peer may retrieve."""
        may_be_read = type(self) is not RowsHandler or is_of_application(self._access.permission)
        check_keys(request, self.payload_io, self.filt, may_be_read=may_be_read)
        peer_access, access = PeerAccess(request, Waiting().wait), self._access
        condition = peer_access.get_condition(access, Action.RETRIEVE)
        tuple_type = self.payload_io.codec.registry.get_by_class(self.model)
        names = () if tuple_type is None else [field.name for field in tuple_type.fields]
        rows = self._fetch(self.get_queryset(request), names, condition)
        if not access.depends_on_row:
            return rows
        return [row for row in rows if peer_access.is_row_allowed(access, Action.RETRIEVE, row)]

    def _fetch(self, queryset: Any, names: Sequence[str], condition: Condition | None) -> list[Any]:
        try:
            return self._rows.fetch(queryset, names, condition)
        except Exception as error:
            if not may_try_again(_get_driver_error(error), is_committing=False):
                raise
            logger.warning(f"{self!r} could not ask its database", exc_info=error)
            raise TryAgain from error

    def after_commit(self, function: Callable[[], object]) -> None:
        """Call a function when the caller's transaction on the table's database has committed."""
        if isinstance(self._rows, DjangoRows):
            self._rows.call_after_commit(function)
        else:
            super().after_commit(function)


def _get_driver_error(error: Exception) -> BaseException:
    """Return what the driver raised, which SQLAlchemy keeps as ``orig`` and Django as the cause."""
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error.__cause__ or error


def _make_rows(
    model: type[Any], session_factory: Callable[[], Any] | None
) -> DjangoRows | SqlAlchemyRows:
    if hasattr(model, "__mapper__"):
        return SqlAlchemyRows(model, session_factory)
    if hasattr(model, "_default_manager"):
        return DjangoRows(model)
    raise DefinitionError(f"Expected a Django model or a SQLAlchemy class, got {quoted(model)}")
