"""One transaction over SQLAlchemy classes: the rows of a model within a scope.

Takes keys, conditions and rows, makes statements of a session. Rows are instances of the mapped
class; nested relations are loaded with ``selectinload``. Nothing is written but by `insert`,
`update` and `delete`, one row at a time, so that a refusal is known to be that row's.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select, null
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified, instance_state, set_committed_value
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.orm.util import has_identity

from django_vortex.exceptions import DefinitionError, HandlerError, WireError, quoted
from django_vortex.orm.conditions import Condition
from django_vortex.orm.guarded_rows import leave_out
from django_vortex.orm.model_spec import Shape
from django_vortex.orm.rounded_keys import check_key, find_rounded
from django_vortex.orm.sameness import is_same
from django_vortex.orm.sqlalchemy.column_values import UnfitValue
from django_vortex.orm.sqlalchemy.conditions import to_expression, to_order
from django_vortex.orm.sqlalchemy.errors import is_of_sqlalchemy, refusals
from django_vortex.orm.sqlalchemy.held import find_held, hold, release
from django_vortex.orm.sqlalchemy.models import MappedColumn
from django_vortex.orm.sqlalchemy.nulls import (
    VALUE_NEEDED,
    find_nulls,
    is_missing,
    is_needed,
    note_null,
)
from django_vortex.orm.sqlalchemy.parking import park, without_itself
from django_vortex.orm.sqlalchemy.places import keep_place, read_place, select_places
from django_vortex.orm.sqlalchemy.reading import load_rest, make_options_of
from django_vortex.orm.sqlalchemy.scope import MAX_KEYS, have_keys, load_guarded, select_rows
from django_vortex.orm.sqlalchemy.shape_plan import ShapePlan
from django_vortex.orm.sqlalchemy.shapes import without_contradictions
from django_vortex.orm.sqlalchemy.versions import write_version
from django_vortex.orm.store import Draft, Key, Order, RowErrors, Scope, StaleRow, Version
from django_vortex.wire.type_checks import make_check

_T = TypeVar("_T")

_MISSING = object()


class SqlAlchemyUnit:
    """One transaction.

    Args:
        session: Its session.
        get_plan: Gives how rows in a shape are read.
        wait: Waits for a coroutine on the event loop.
    """

    def __init__(
        self,
        session: Session,
        get_plan: Callable[[Shape], ShapePlan],
        wait: Callable[[Awaitable[Any]], Any],
    ) -> None:
        self.session = session
        self._get_plan = get_plan
        self._wait = wait

    def rows(self, shape: Shape, scope: Scope) -> "SqlAlchemyRows":
        """Return the rows of a model."""
        return SqlAlchemyRows(self.session, self._get_plan(shape), scope)

    def wait(self, awaitable: Awaitable[_T]) -> _T:
        """Wait for a coroutine of a hook or permission, which runs on the event loop."""
        result: _T = self._wait(awaitable)
        return result


class SqlAlchemyRows:
    """The rows of one class that are in a scope."""

    def __init__(self, session: Session, plan: ShapePlan, scope: Scope) -> None:
        self.session = session
        self._plan = plan
        self._mapped = plan.mapped
        self._shape = plan.shape
        self._scope = scope
        self._dialect = session.get_bind(self._mapped.mapper).dialect.name

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Any]:
        """Return the rows with these keys by key, read from the database again."""
        wanted: dict[Key, list[Key]] = {}
        for key in keys:
            compared = self._to_compared(key)
            if compared is not None:
                wanted.setdefault(compared, []).append(key)
        found = {}
        distinct = list(wanted)
        columns = [column.attribute for column in self._mapped.keys]
        for start in range(0, len(distinct), MAX_KEYS):
            chunk = distinct[start : start + MAX_KEYS]
            statement = self._select().where(have_keys(columns, chunk, self._dialect))
            for row in self._fetch(statement):
                asked = wanted.get(self._mapped.stored_key(row), ())
                found.update(dict.fromkeys(asked, row))
        if len(found) < len(keys) and self._plan.may_round_key:
            names = [column.name for column in self._mapped.keys]
            others = [key for some in wanted.values() for key in some if key not in found]
            found |= find_rounded(names, others, self.find, self.key)
        return found

    def find(
        self,
        where: Condition | None = None,
        order: Sequence[Order] = (),
        limit: int | None = None,
        *,
        is_paged: bool = False,
    ) -> list[Any]:
        """Return the rows that meet a condition, in order."""
        places = self._select_places(order) if is_paged else []
        return self._fetch(self._narrow(self._select(), where, order, limit), places)

    def find_values(
        self,
        where: Condition | None = None,
        order: Sequence[Order] = (),
        limit: int | None = None,
        *,
        is_paged: bool = False,
    ) -> Sequence[Sequence[Any]] | None:
        """Return the fields of the same rows, read without instances where that is the same."""
        statement = self._select()
        if not self._plan.columns.can_read(statement, self.session):
            return None
        places = self._select_places(order) if is_paged else []
        statement = self._narrow(statement, where, order, limit)
        with self.session.no_autoflush, refusals(self._mapped):
            return self._plan.columns.read(statement, self.session, places)

    def place(self, row: Any) -> Sequence[Any]:
        """Return the place of a row of a page."""
        return read_place(row)

    def new(self) -> Any:
        """Make an instance with its defaults that the database does not know yet."""
        return self._mapped.new()

    def key(self, row: Any) -> Key:
        """Return the key of a row, as it travels."""
        return tuple([column.read(row) for column in self._mapped.keys])

    def values(self, row: Any) -> dict[str, Any]:
        """Return the fields and nested relations of the shape by name."""
        return self._plan.reader.read(row)

    def read(self, row: Any, names: Iterable[str]) -> dict[str, Any]:
        """Return single fields of a row."""
        return {name: self._mapped.columns[name].read(row) for name in names}

    def remember(self, row: Any) -> None:
        """Do nothing: the session knows what each row was."""

    def find_changed(self, row: Any) -> frozenset[str]:
        """Return the columns that were set on the row itself, as a hook may do."""
        if not has_identity(row):
            return frozenset()
        changed = {*instance_state(row).committed_state, *find_held(row)}
        return frozenset(changed & self._mapped.columns.keys())

    def set_values(self, row: Any, values: Mapping[str, Any]) -> None:
        """Set attributes; validators of the class run.

        Raises:
            RowErrors: A column cannot hold a value, or a validator of the class
                (``@validates``) refuses it by a ValueError or a `HandlerError`.
        """
        errors: dict[str, list[str]] = {}
        is_new = not has_identity(row)
        for name, value in values.items():
            column = self._mapped.columns.get(name)
            if (
                value is None
                and column is not None
                and is_needed(self._mapped, column, is_new=is_new)
            ):
                errors[name] = [VALUE_NEEDED]
                continue
            try:
                if is_new and column is not None and column.has_default:
                    note_null(row, name, is_null=value is None)
                if column is None:
                    self._set_other(row, name, value)
                elif not _is_same(row, column, value):
                    setattr(row, name, column.values.to_stored(value, self._dialect))
            except (UnfitValue, HandlerError) as error:
                errors[name] = [str(error)]
            except ValueError as error:
                if name not in self._mapped.mapper.validators and not is_of_sqlalchemy(error):
                    raise  # of an attribute of the application's, which blames nobody
                text = str(error) if type(error) is ValueError else f"Refused {quoted(value)}"
                errors[name] = [text]
        if errors:
            raise RowErrors(errors)
        if not is_new:  # `update` has it written; a flush for other rows shall not
            hold(row, self._mapped.columns)

    @property
    def defers_references(self) -> bool:
        """Return False: the database looks at once, unless a key says otherwise."""
        return False

    def park(self, row: Any, names: Iterable[str]) -> bool:
        """Write another value into one of these columns for a moment."""
        with refusals(self._mapped):
            return park(self.session, self._mapped, row, names)

    def validate_written(self, drafts: Sequence[Draft], message: Sequence[Draft]) -> None:
        """Do nothing: the database looks at all there is."""

    def validate(self, drafts: Sequence[Draft], message: Sequence[Draft] = ()) -> None:
        """Look for missing values."""
        for draft in drafts:
            for name in self._mapped.columns if draft.is_new else draft.changed:
                column = self._mapped.columns.get(name)
                if column is None or getattr(draft.row, name) is not None:
                    continue
                if is_missing(self._mapped, column, draft):
                    draft.errors.setdefault(name, []).append(VALUE_NEEDED)

    def insert(self, row: Any) -> None:
        """Write a new row; columns that are not set have the defaults of class and database."""
        nulls = find_nulls(self._mapped, row)
        for name in nulls:
            setattr(row, name, null())
        self.session.add(row)
        with refusals(self._mapped):
            self.session.flush()
        for name in nulls:
            set_committed_value(row, name, None)

    def update(self, row: Any, changed: Iterable[str], version: Version | None = None) -> None:
        """Write what was set, and the next version if it is still the one seen."""
        if self._plan.may_round_key:
            check_key(row, self._mapped.spec.label)
        columns, known = self._mapped.columns, row.__dict__
        written = [one for one in {*changed, *release(row)} if one in columns and one in known]
        done = set() if version is None else self._write_version(row, version, written)
        for name in written:
            if name not in done:
                flag_modified(row, name)
        self._flush()

    def delete(self, row: Any, version: Version | None = None) -> None:
        """Delete a row, with what relationships and the database say goes with it."""
        if self._plan.may_round_key:
            check_key(row, self._mapped.spec.label)
        if version is not None:
            self._write_version(row, version)
        with without_itself(self._mapped, row):
            self.session.delete(row)
            self._flush(is_delete=True)

    def _flush(self, *, is_delete: bool = False) -> None:
        try:
            with refusals(self._mapped, is_delete=is_delete):
                self.session.flush()
        except StaleDataError:
            self.session.rollback()  # nothing else is possible, and what is there now is asked for
            raise StaleRow from None

    def _write_version(self, row: Any, version: Version, names: Iterable[str] = ()) -> set[str]:
        with refusals(self._mapped):
            return write_version(self.session, self._mapped, row, version, names)

    def _narrow(
        self, statement: Any, where: Condition | None, order: Sequence[Order], limit: int | None
    ) -> Any:
        if where is not None:
            statement = statement.where(to_expression(where, self._mapped, self._dialect))
        if order:
            expressions = to_order(order, self._mapped, self._dialect)
            statement = statement.order_by(None).order_by(*expressions)
        return statement if limit is None else statement.limit(limit)

    def _select(self) -> Any:
        return select_rows(self._mapped, self._scope, self._dialect)

    def _select_places(self, order: Sequence[Order]) -> list[Any]:
        return select_places([self._mapped.columns[one.name].attribute for one in order])

    def _fetch(self, statement: Select[Any], places: Sequence[Any] = ()) -> list[Any]:
        is_final, options = self._scope.is_final, self._plan.options
        if is_final:
            options = make_options_of(statement, self._shape.names)
        statement = without_contradictions(statement, self._plan.read_names).options(*options)
        if len(self.session.identity_map):  # what is known already is read anew
            statement = statement.execution_options(populate_existing=True)
        with self.session.no_autoflush, refusals(self._mapped):  # of values to filter by
            if places:
                rows = []
                for row, *place in self.session.execute(statement.add_columns(*places)).unique():
                    keep_place(row, place)
                    rows.append(row)
            else:
                rows = list(self.session.scalars(statement).unique())
            for row in rows if is_final else ():
                load_rest(row, self._shape.names)
        if self._shape.guarded:
            load_guarded(self.session, rows, self._shape, self._scope, self._plan.describe)
            if self._scope.nested:
                leave_out(rows, self._scope)
        return rows

    def _to_compared(self, key: Key) -> Key | None:
        """Return a key that the database can look for, or None if nothing can have it."""
        if len(key) != len(self._mapped.keys):
            return None
        compared = []
        for column, value in zip(self._mapped.keys, key, strict=True):
            check = make_check(column.values.type)
            try:
                checked = value if check is None else check(value)
                compared.append(column.values.to_compared(checked, self._dialect))
            except (WireError, UnfitValue):
                return None
        return None if None in compared else tuple(compared)

    def _set_other(self, row: Any, name: str, value: Any) -> None:
        """Set what is no column: a relationship, say, by an extension."""
        if not hasattr(self._mapped.cls, name):
            raise DefinitionError(f"{self._mapped.cls.__qualname__} has no field {name!r}")
        setattr(row, name, value)


def _is_same(row: Any, column: MappedColumn, value: Any) -> bool:
    """Return whether a row has a value already: what the database holds is not checked anew."""
    known = row.__dict__.get(column.name, _MISSING)
    if known is None or known is _MISSING or isinstance(known, (list, tuple, dict)):
        return False  # inside those True equals 1
    if column.values.export is not None:
        known = column.values.export(known)
    return is_same(known, value, exact=True)
