"""`RowsHandler`: all rows of a Django model or a SQLAlchemy class."""

from collections.abc import Callable, Iterable
from typing import Any

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.handlers import ModelHandler
from django_vortex.orm.django.rows import DjangoRows
from django_vortex.orm.sqlalchemy.rows import SqlAlchemyRows
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.request import Request
from django_vortex.typedefs import Filt


class RowsHandler(ModelHandler):
    """Sends rows of one table to whoever asks, and to others with `send_model_update`.

    The class has to be a tuple type (`tuple_type`). For some of the rows give a queryset, or define
    `get_queryset` in a subclass.

    Args:
        filt: As of `PayloadEndpoint`.
        model: A Django model or a SQLAlchemy class.
        session_factory: For SQLAlchemy, what makes a session, which is closed after each request.
        queryset: The rows to send, a Django queryset or a SQLAlchemy ``select``; all by default.
        accept_only_from: As of `PayloadEndpoint`.
        ignore_from: As of `PayloadEndpoint`.
        payload_io: As of `PayloadEndpoint`.
        owner: As of `PayloadEndpoint`.

    Raises:
        DefinitionError: As `PayloadEndpoint`; or the class is neither, or has no session factory.
    """

    def __init__(
        self,
        filt: Filt,
        model: type[Any],
        *,
        session_factory: Callable[[], Any] | None = None,
        queryset: Any = None,
        accept_only_from: Iterable[str] = (),
        ignore_from: Iterable[str] = (),
        payload_io: PayloadIO | None = None,
        owner: object = None,
    ) -> None:
        self.model = model
        self._queryset = queryset
        self._rows = _make_rows(model, session_factory)
        super().__init__(
            filt,
            accept_only_from=accept_only_from,
            ignore_from=ignore_from,
            payload_io=payload_io,
            owner=owner,
        )

    def get_queryset(self, request: Request) -> Any:
        """Give the queryset or ``select`` of the rows to send."""
        return self._rows.get_all() if self._queryset is None else self._queryset

    def build_model(self, request: Request) -> list[Any]:
        """List the rows."""
        return self._rows.fetch(self.get_queryset(request))

    def after_commit(self, function: Callable[[], object]) -> None:
        """Call a function when the caller's transaction on the table's database has committed."""
        if isinstance(self._rows, DjangoRows):
            self._rows.call_after_commit(function)
        else:
            super().after_commit(function)


def _make_rows(
    model: type[Any], session_factory: Callable[[], Any] | None
) -> DjangoRows | SqlAlchemyRows:
    if hasattr(model, "__mapper__"):
        return SqlAlchemyRows(model, session_factory)
    if hasattr(model, "_default_manager"):
        return DjangoRows(model)
    raise DefinitionError(f"Expected a Django model or a SQLAlchemy class, got {quoted(model)}")
