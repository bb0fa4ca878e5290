"""What a database says against a Django row or value, as `RefusedByDatabase`.

Only what the database or its driver says may blame a peer: an exception of the same class that the
application raises, in ``save()`` or ``from_db`` say, goes on as it is.
"""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from django.apps import apps
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    OperationalError,
    connections,
    models,
)

from django_vortex.orm.driver_errors import (
    CHECK,
    NULL,
    REFERENCE,
    TEXTS,
    UNIQUE,
    get_raiser,
    read_refusal,
)
from django_vortex.orm.store import RefusedByDatabase

STILL_NEEDED = "Other rows need this one"

UNKNOWN = "It contradicts another row or a rule of the table"

_TOO_LONG = "54"
"""The class of SQLSTATE of what is beyond a limit of PostgreSQL."""

_OF_FIELDS = ("django.db.", "django.contrib.", "django.utils.timezone", "django_vortex.")
"""The modules of Django's own fields and look-ups, and of those of this package."""

AT_COMMIT = "It contradicts another row"


def is_of_django(error: Exception, connection: Any) -> bool:
    """Return whether a field of Django's or the driver raised an error, and not the application's.

    Helpers of Django that fields of the application call, as ``parse_date``, are not meant.
    """
    raiser = get_raiser(error)
    driver = str(connection.Database.__name__).partition(".")[0]
    return raiser.startswith((*_OF_FIELDS, driver))  # psycopg_binary is of psycopg


def explain(
    error: IntegrityError, model: type[models.Model] | None, text: str
) -> RefusedByDatabase:
    """Return what a peer may know of a refusal.

    Args:
        error: What Django raised.
        model: The model of the row, if that is known.
        text: What is said where the database does not tell more.
    """
    refusal = read_refusal(error.__cause__ or error)
    columns = refusal.columns or _find_columns(refusal.constraint, model)
    if refusal.kind in (UNIQUE, NULL) or (refusal.kind in (REFERENCE, CHECK) and columns):
        text = TEXTS[refusal.kind]
    return RefusedByDatabase(text, "", columns, refusal.values)


def _is_of_others(error: IntegrityError, model: type[models.Model] | None) -> bool:
    """Tell that a rule of another model's table was broken, by a value that no peer has sent."""
    refusal = read_refusal(error.__cause__ or error)
    if model is None or not refusal.table or refusal.kind == REFERENCE:
        return False  # REFERENCE: of rows that refer to the one that changes
    options = [one._meta for one in (model, *model._meta.all_parents)]
    tables = {one.db_table for one in options}
    tables |= {field.m2m_db_table() for one in options for field in one.local_many_to_many}
    if refusal.table in {_bare(name) for name in tables}:
        return False
    known = apps.get_models(include_auto_created=True)  # a partition, say, is no model's
    return refusal.table in {_bare(one._meta.db_table) for one in known}


def _bare(name: str) -> str:
    """Return the name of a table without quotes and schema, as databases tell it."""
    return name.rpartition(".")[2].strip('"')


def _find_columns(name: str, model: type[models.Model] | None) -> tuple[str, ...]:
    """Return the columns of a constraint that has a name in ``Meta``."""
    owners: Iterable[Any] = ()
    if model is not None and name:
        owners = (model, *model._meta.all_parents)
    for owner in owners:
        for constraint in owner._meta.constraints:
            if constraint.name == name:
                fields = (owner._meta.get_field(one) for one in getattr(constraint, "fields", ()))
                return tuple(f"{owner._meta.db_table}.{field.column}" for field in fields)
    return ()


class Refusals:
    """Turns what a database says against a row into what a peer may know, while it is entered.

    It notes what the driver raises, to tell that from other errors: as Django's own
    ``execute_wrapper`` does it, without the price of a generator for each row.

    Args:
        using: The alias of the database.
        model: The model of the row, whose rules have names; a rule of another table, which a
            signal or ``save()`` writes to, is none of the peer's. None where any table may refuse.
    """

    __slots__ = ("_connection", "_model", "_noted", "_wrappers")

    def __init__(self, using: str, model: type[models.Model] | None = None) -> None:
        self._connection: Any = connections[using]
        self._wrappers: list[Any] = self._connection.execute_wrappers
        self._model = model
        self._noted: list[BaseException] = []

    def __enter__(self) -> None:
        self._wrappers.append(self._note)

    def __exit__(
        self, kind: object, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._wrappers.pop()
        if isinstance(error, Exception):
            refusal = self._get_refusal(error)
            if refusal is not None:
                raise refusal from error

    def _get_refusal(self, error: Exception) -> RefusedByDatabase | None:
        if isinstance(error, models.ProtectedError | models.RestrictedError):
            return RefusedByDatabase(STILL_NEEDED)
        if isinstance(error, IntegrityError):
            if not self._has_noted(error) or _is_of_others(error, self._model):
                return None
            return explain(error, self._model, UNKNOWN)
        if isinstance(error, DataError | OverflowError | ValueError) and self._has_noted(error):
            return RefusedByDatabase("A value that the database cannot hold")
        return None

    def _has_noted(self, error: Exception) -> bool:
        """Return whether the driver has raised an error, or a field of Django's for it."""
        if not any(error is one for one in self._noted):
            return False
        return isinstance(error, DatabaseError) or is_of_django(error, self._connection)

    def _note(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return execute(*arguments)
        except (DataError, IntegrityError, OverflowError, ValueError) as error:
            self._noted.append(error)
            raise


class SearchRefusals(Refusals):
    """Turns what a database says against a value that it is asked for, such as a NUL in a text."""

    __slots__ = ()

    def _get_refusal(self, error: Exception) -> RefusedByDatabase | None:
        if isinstance(error, DataError | OverflowError | ValueError) and self._has_noted(error):
            return RefusedByDatabase("A value that the database does not know")
        if isinstance(error, OperationalError):
            state = str(getattr(error.__cause__, "sqlstate", ""))
            if state.startswith(_TOO_LONG):
                return RefusedByDatabase("A value that the database cannot compare")
        return None
