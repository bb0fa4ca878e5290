"""Rows of one Django model during one transaction: `Rows` of the store interface."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections, models

from django_vortex.orm.conditions import Condition
from django_vortex.orm.django.changes import find_changed, remember
from django_vortex.orm.django.conditions import check_operands, filter_rows, to_ordering
from django_vortex.orm.django.kinds import get_kind
from django_vortex.orm.django.limits import get_storage_error
from django_vortex.orm.django.parking import park
from django_vortex.orm.django.places import place_names, read_place, with_places
from django_vortex.orm.django.reading import ShapeReader
from django_vortex.orm.django.refusals import Refusals, SearchRefusals, is_of_django
from django_vortex.orm.django.saving import claim, save_fields
from django_vortex.orm.django.scope import add_prefetches, find_prefetches, narrow
from django_vortex.orm.django.shapes import may_repeat
from django_vortex.orm.django.targets import check_limits_of_targets, has_limited_targets
from django_vortex.orm.django.validation import validate_drafts
from django_vortex.orm.django.values import PENDING, Read, make_field_reader, to_model_value
from django_vortex.orm.guarded_rows import leave_out
from django_vortex.orm.model_spec import Shape
from django_vortex.orm.rounded_keys import check_key, find_rounded, may_round
from django_vortex.orm.store import Draft, Key, Order, RowErrors, Scope, Version

CHUNK = 500
"""How many keys stand in one statement; some databases take no more than 999 values."""


@dataclass(frozen=True, slots=True)
class _Written:
    """How the fields of a model are written."""

    many: Mapping[str, Any]
    by_attname: Mapping[str, Any]
    names: Mapping[str, str]
    """By name and by ``attname``."""

    auto_now: frozenset[str]
    """Fields that hold the time of the last change."""

    may_round_key: bool
    """Whether the database may have the key more exactly than it is read."""


@lru_cache(maxsize=1024)
def _describe_writing(model: type[models.Model]) -> _Written:
    fields: Sequence[Any] = model._meta.concrete_fields
    return _Written(
        many={field.name: field for field in model._meta.many_to_many},
        by_attname={field.attname: field for field in fields},
        names={name: field.name for field in fields for name in (field.name, field.attname)},
        auto_now=frozenset(one.name for one in fields if getattr(one, "auto_now", False)),
        may_round_key=may_round(get_kind(one).type for one in model._meta.pk_fields),
    )


class DjangoCrudRows:
    """The rows of a model that are in a scope.

    Args:
        shape: What is read of each.
        scope: Which there are.
        reader: Reads the values of rows.
        using: The alias of the database.
    """

    def __init__(self, shape: Shape, scope: Scope, reader: ShapeReader, using: str) -> None:
        self._shape = shape
        self._model: type[models.Model] = shape.spec.model
        self._keys = shape.spec.key_names
        self._reader = reader
        self._scope = scope
        self._reads: dict[str, Read] = {}
        self._queryset = narrow(shape, scope, using)
        self._using = using = self._queryset.db if scope.is_final else using
        self._related = list(find_prefetches(shape, scope, using))
        self._written = _describe_writing(self._model)
        self.defers_references = bool(connections[using].features.can_defer_constraint_checks)
        """Whether foreign keys are looked at when the transaction ends."""

    def get_many(self, keys: Sequence[Key]) -> Mapping[Key, Any]:
        """Return the rows with these keys, in one statement per `CHUNK` of them."""
        wanted = list(dict.fromkeys([key for key in keys if self._is_possible(key)]))
        found: dict[Key, Any] = {}
        for start in range(0, len(wanted), CHUNK):
            part = wanted[start : start + CHUNK]
            values = part if len(self._keys) > 1 else [key[0] for key in part]
            queryset = self._queryset.filter(pk__in=values).order_by()
            found |= {self.key(row): row for row in self._fetch(queryset)}
        if len(found) < len(wanted) and self._written.may_round_key:
            others = [key for key in wanted if key not in found]
            found |= find_rounded(self._keys, others, self.find, self.key)
        return {key: found[key] for key in wanted if key in found}

    def find(
        self,
        where: Condition | None = None,
        order: Sequence[Order] = (),
        limit: int | None = None,
        *,
        is_paged: bool = False,
    ) -> list[Any]:
        """Return the rows that meet a condition, in order."""
        return self._fetch(self._select(where, order, limit, is_paged=is_paged))

    def find_values(
        self,
        where: Condition | None = None,
        order: Sequence[Order] = (),
        limit: int | None = None,
        *,
        is_paged: bool = False,
    ) -> Sequence[Sequence[Any]] | None:
        """Return the fields of the same rows, read without instances where that is the same."""
        places = place_names(order) if is_paged else []
        with SearchRefusals(self._using):
            queryset = self._select(where, order, limit, is_paged=is_paged)
            return self._reader.read_columns(queryset, places)

    def place(self, row: Any) -> Sequence[Any]:
        """Return the place of a row of a page."""
        return read_place(row)

    def new(self) -> Any:
        """Make an unsaved instance."""
        return self._model()

    def key(self, row: Any) -> Key:
        """Return the primary key of a row."""
        if len(self._keys) == 1:
            return (getattr(row, self._keys[0]),)
        return tuple(getattr(row, name) for name in self._keys)

    def values(self, row: Any) -> dict[str, Any]:
        """Return what the shape has of a row."""
        return self._reader.read(row)

    def read(self, row: Any, names: Iterable[str]) -> dict[str, Any]:
        """Return single fields of a row."""
        return {name: self._get_reader(name)(row) for name in names}

    def remember(self, row: Any) -> None:
        """Note what an instance is before hooks see it."""
        remember(row)

    def find_changed(self, row: Any) -> frozenset[str]:
        """Return the fields that are others than they were remembered."""
        return find_changed(row)

    def set_values(self, row: Any, values: Mapping[str, Any]) -> None:
        """Set fields; lists of keys wait on the row until it is written."""
        many, by_name = self._written.many, self._written.by_attname
        errors = {}
        for name, value in values.items():
            if name not in many:
                try:
                    setattr(row, name, to_model_value(by_name.get(name), value))
                except ValidationError as error:
                    errors[name] = error.messages
                except ArithmeticError as error:
                    if not is_of_django(error, connections[self._using]):
                        raise  # of a descriptor of the application's, which blames nobody
                    # A foreign key is compared, as Decimal("sNaN") cannot be.
                    errors[name] = ["Expected a finite number"]
            elif value is None:
                errors[name] = [str(many[name].error_messages["null"])]
            else:
                row.__dict__.setdefault(PENDING, {})[name] = list(value)
        if errors:
            raise RowErrors(errors)

    def validate(self, drafts: Sequence[Draft], message: Sequence[Draft] = ()) -> None:
        """Do what ``full_clean`` does, for what changes."""
        with Refusals(self._using, self._model):
            validate_drafts(self._model, drafts, self._shape.names, self._using, message)

    def validate_written(self, drafts: Sequence[Draft], message: Sequence[Draft]) -> None:
        """Look whether rows may refer to others of the message, as those are now."""
        if has_limited_targets(self._model):
            with Refusals(self._using, self._model):
                check_limits_of_targets(self._model, drafts, self._using, message)

    def park(self, row: Any, names: Iterable[str]) -> bool:
        """Write another value into one of these fields for a moment."""
        with Refusals(self._using, self._model):
            return park(row, names, self._using)

    def insert(self, row: Any) -> None:
        """Save a new instance; ``save`` of the model and signals are called as usual."""
        with Refusals(self._using, self._model):
            # In the tables of parents as well, where a chosen key may be that of another row.
            is_child = bool(self._model._meta.parents)
            row.save(using=self._using, force_insert=(models.Model,) if is_child else True)
            self._set_many(row)

    def update(self, row: Any, changed: Iterable[str], version: Version | None = None) -> None:
        """Save the changed fields, those of the last change, and what the model derives."""
        if self._written.may_round_key:
            check_key(row, self._model._meta.label)
        by_name = self._written.names
        with Refusals(self._using, self._model):
            names = {by_name[name] for name in changed if name in by_name}
            if names or row.__dict__.get(PENDING):
                names |= self._written.auto_now
            save_fields(row, names, self._using, version)
            self._set_many(row)

    def delete(self, row: Any, version: Version | None = None) -> None:
        """Delete an instance with what Django deletes with it; it keeps its key."""
        if self._written.may_round_key:
            check_key(row, self._model._meta.label)
        key = row.pk
        with Refusals(self._using):
            if version is not None:
                claim(row, self._using, version)
            row.delete(using=self._using)
        row.pk = key

    def _get_reader(self, name: str) -> Read:
        if name not in self._reads:
            self._reads[name] = make_field_reader(self._model, name)
        return self._reads[name]

    def _select(
        self,
        where: Condition | None,
        order: Sequence[Order],
        limit: int | None,
        *,
        is_paged: bool,
    ) -> models.QuerySet[Any]:
        check_operands(where, self._model, connections[self._using])
        queryset = filter_rows(self._queryset, where)
        if order:
            queryset = queryset.order_by(*to_ordering(order))
            queryset.query.standard_ordering = True  # whatever the application has reversed
        if is_paged:
            queryset = with_places(queryset, order)
        return queryset if limit is None else queryset[:limit]

    def _fetch(self, queryset: models.QuerySet[Any]) -> list[Any]:
        is_combined = bool(queryset.query.combinator)  # which Django lets nothing be loaded with
        with SearchRefusals(self._using):
            rows = list(queryset if is_combined else add_prefetches(queryset, self._related))
            if is_combined:
                models.prefetch_related_objects(rows, *self._related)
        if self._scope.is_final and may_repeat(queryset):
            rows = list({row.pk: row for row in rows}.values())
        if self._scope.nested:
            leave_out(rows, self._scope)
        return rows

    def _is_possible(self, key: Key) -> bool:
        """Return whether a database could have such a key at all; some raise if asked."""
        fields, connection = self._model._meta.pk_fields, connections[self._using]
        for field, part in zip(fields, key, strict=True):
            if get_storage_error(field, part, connection) is not None:
                return False
        return True

    def _set_many(self, row: Any) -> None:
        for name, keys in row.__dict__.pop(PENDING, {}).items():
            getattr(row, name).set(keys)
