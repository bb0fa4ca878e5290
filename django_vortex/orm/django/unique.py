"""Whether Django rows are the only ones with their values.

Takes instances, gives those whose values other rows have. ``Model.validate_unique`` asks once for
each row, and asks the default database, wherever the row is kept; this asks once for all of them,
and again for each only if something is found.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models

_DATE_PARTS = {"unique_for_date": "date", "unique_for_year": "year", "unique_for_month": "month"}

CHUNK = 500
"""How many values stand in one statement."""


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """Fields whose values no two rows have together.

    Attributes:
        owner: The model whose table it is about.
        names: The fields.
        date_name: The field of the day, month or year within which it holds; "" if it always does.
        part: Which of them.
        constraint: What says so in ``Meta.constraints``.
    """

    owner: type[models.Model]
    names: tuple[str, ...]
    date_name: str = ""
    part: str = ""
    constraint: Any = None

    @property
    def all_names(self) -> set[str]:
        """The fields, with that of the date."""
        return {*self.names, self.date_name} - {""}

    @property
    def place(self) -> str:
        """The field that is wrong, if it is one alone."""
        return self.names[0] if len(self.names) == 1 else NON_FIELD_ERRORS

    def values(self, row: models.Model) -> dict[str, Any] | None:
        """Return what no other row may have, None if a row goes with any other."""
        fields = _find_fields(self.owner, self.names)
        values = {field.name: getattr(row, field.attname) for field in fields}
        if any(hasattr(value, "resolve_expression") for value in values.values()):
            return None  # what only the database knows
        if self.date_name:
            date = getattr(row, self.date_name)
            return None if date is None else values | _same_date(self.date_name, date, self.part)
        return None if None in values.values() else values

    def error(self, row: models.Model) -> ValidationError:
        """Return what Django says of a row whose values are taken."""
        if self.date_name:
            return row.date_error_message(self.part, self.names[0], self.date_name)
        own = self.constraint
        if own is not None and own.violation_error_message != own.default_violation_error_message:
            return ValidationError(own.get_violation_error_message())
        return row.unique_error_message(self.owner, self.names)


@lru_cache(maxsize=1024)
def find_uniqueness(model: type[models.Model]) -> tuple[Uniqueness, ...]:
    """Return all that is unique in a model but its key, which is left to the database.

    Constraints with conditions or expressions are not among it.
    """
    return (*_find_unique(model), *_find_unique_for_dates(model), *_find_constraints(model))


def is_plain(constraint: Any, owner: type[models.Model]) -> bool:
    """Return whether a constraint says nothing but that some fields are unique."""
    return (
        type(constraint) is models.UniqueConstraint
        and bool(constraint.fields)
        and constraint.condition is None
        and constraint.nulls_distinct is not False
        and not any(field.generated for field in _find_fields(owner, constraint.fields))
    )


def find_taken(
    unique: Uniqueness,
    rows: Sequence[models.Model],
    using: str,
    replaced: Iterable[models.Model] = (),
    unset: Container[int] = (),
) -> list[models.Model]:
    """Return the rows whose values others have: stored ones, or rows before them in the list.

    Args:
        unique: What is looked for.
        rows: The instances.
        using: The alias of the database.
        replaced: Stored rows whose values are going to be others.
        unset: The ids of new instances whose values nobody has set: saving may make others of them,
            so they are not compared with each other.
    """
    found = [(row, values) for row in rows if (values := unique.values(row)) is not None]
    taken = set(_find_repeated(one for one in found if id(one[0]) not in unset))
    gone = _find_keys(unique, replaced)
    if any(_find_holders(unique, part, using) - gone for part in _chunks(unique, found)):
        for row, values in found:
            if _find_holders(unique, [values], using) - gone - _find_keys(unique, [row]):
                taken.add(id(row))
    return [row for row in rows if id(row) in taken]


class Without:
    """A model for `BaseConstraint.validate`, as if some of its rows were not there.

    Args:
        model: The model.
        rows: The instances that are not.
    """

    def __init__(self, model: type[models.Model], rows: Iterable[models.Model]) -> None:
        self._vortex_model = model
        self._vortex_keys = [row._get_pk_val(model._meta) for row in rows]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vortex_model, name)

    @property
    def _default_manager(self) -> "Without":
        return self

    def using(self, alias: str) -> models.QuerySet[Any]:
        """Return the rows that are there."""
        rows = self._vortex_model._default_manager.using(alias)
        return rows.exclude(pk__in=self._vortex_keys)


FindReplaced: TypeAlias = Callable[[type[models.Model], set[str]], Iterable[models.Model]]
"""Gives the stored rows of a model of whose fields a message changes one."""


def replace_nothing(owner: type[models.Model], names: set[str]) -> Iterable[models.Model]:
    """Return no rows: one is changed by itself."""
    return ()


@contextmanager
def asking(row: Any, using: str, find_replaced: FindReplaced = replace_nothing) -> Iterator[None]:
    """Let ``validate_unique`` of an instance ask the database where the row is kept.

    What it is told is taken does not count where the message changes it.
    """

    def perform_unique_checks(checks: Iterable[Any]) -> dict[str, list[ValidationError]]:
        wanted = (Uniqueness(owner, tuple(names)) for owner, names in checks)
        return _find_errors(row, wanted, using, find_replaced)

    def perform_date_checks(checks: Iterable[Any]) -> dict[str, list[ValidationError]]:
        wanted = (Uniqueness(owner, (name,), date, part) for owner, part, name, date in checks)
        return _find_errors(row, wanted, using, find_replaced)

    row._perform_unique_checks = perform_unique_checks
    row._perform_date_checks = perform_date_checks
    try:
        yield
    finally:
        del row._perform_unique_checks, row._perform_date_checks


def _find_errors(
    row: models.Model, wanted: Iterable[Uniqueness], using: str, find_replaced: FindReplaced
) -> dict[str, list[ValidationError]]:
    keys = {field.name for field in row._meta.pk_fields}
    errors: dict[str, list[ValidationError]] = {}
    for unique in wanted:
        if set(unique.names) <= keys:
            continue
        replaced = find_replaced(unique.owner, unique.all_names)
        if find_taken(unique, [row], using, replaced):
            errors.setdefault(unique.place, []).append(unique.error(row))
    return errors


def _find_fields(owner: type[models.Model], names: Iterable[str]) -> list[Any]:
    return [owner._meta.get_field(name) for name in names]


def _find_unique(model: type[models.Model]) -> Iterator[Uniqueness]:
    for owner in (model, *model._meta.all_parents):
        for field in owner._meta.local_fields:
            if field.unique and not field.primary_key:
                yield Uniqueness(owner, (field.name,))
        for names in owner._meta.unique_together:
            yield Uniqueness(owner, tuple(names))


def _find_unique_for_dates(model: type[models.Model]) -> Iterator[Uniqueness]:
    for field in model._meta.fields:
        for attribute, part in _DATE_PARTS.items():
            date_name = getattr(field, attribute, None)
            if date_name:
                yield Uniqueness(model, (field.name,), date_name, part)


def _find_constraints(model: type[models.Model]) -> Iterator[Uniqueness]:
    for owner in (model, *model._meta.all_parents):
        constraints: Iterable[Any] = owner._meta.constraints
        for constraint in constraints:
            if is_plain(constraint, owner):
                yield Uniqueness(owner, tuple(constraint.fields), constraint=constraint)


def _same_date(name: str, date: Any, part: str) -> dict[str, Any]:
    if part == "date":
        return {f"{name}__year": date.year, f"{name}__month": date.month, f"{name}__day": date.day}
    return {f"{name}__{part}": getattr(date, part)}


def _find_repeated(found: Iterable[tuple[models.Model, dict[str, Any]]]) -> Iterator[int]:
    seen = set()
    for row, values in found:
        key = tuple(values.values())
        try:
            if key in seen:
                yield id(row)
            seen.add(key)
        except TypeError:  # values without hash, as lists are
            return


def _chunks(
    unique: Uniqueness, found: Sequence[tuple[models.Model, dict[str, Any]]]
) -> Iterator[list[dict[str, Any]]]:
    size = CHUNK if len(unique.all_names) == 1 else CHUNK // 4 // len(unique.all_names)
    values = [values for _, values in found]
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _find_holders(unique: Uniqueness, wanted: Sequence[dict[str, Any]], using: str) -> set[Any]:
    """Return the keys of the stored rows that have such values."""
    rows = unique.owner._base_manager.using(using)
    if len(unique.all_names) == 1:
        [name] = unique.names
        rows = rows.filter(**{f"{name}__in": [values[name] for values in wanted]})
    else:
        rows = rows.filter(models.Q(*(models.Q(**one) for one in wanted), _connector=models.Q.OR))
    return set(rows.values_list("pk", flat=True))


def _find_keys(unique: Uniqueness, rows: Iterable[models.Model]) -> set[Any]:
    return {row._get_pk_val(unique.owner._meta) for row in rows if not row._state.adding}
