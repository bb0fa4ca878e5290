"""The values of Django rows as they travel.

Takes a shape, gives a function from a row to a dict; takes values of peers, gives what a model
wants to be set to.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, SynchronousOnlyOperation
from django.db import models
from django.db.models.expressions import DatabaseDefault

from django_vortex.exceptions import LoadsOnLoop
from django_vortex.orm.django.files import is_file, make_file_reader
from django_vortex.orm.django.kinds import get_kind
from django_vortex.orm.guarded_rows import waiting_name
from django_vortex.orm.model_spec import Shape

Read = Callable[[Any], Any]

PENDING = "_vortex_pending_many"
"""Where a row keeps the lists of keys that are to be set when it has been written."""


def make_reader(shape: Shape) -> Callable[[Any], dict[str, Any]]:
    """Return what reads the fields and relations of a shape."""
    model = shape.spec.model
    as_held = {one.attname for one in model._meta.concrete_fields if _travels_as_held(one)}
    reads = [(name, name in as_held, make_field_reader(model, name)) for name in shape.names]
    for name, inner in shape.nested.items():
        is_many = shape.spec.relations[name].is_many
        make = _make_guarded_reader if name in shape.guarded else _make_nested_reader
        reads.append((name, False, make(name, make_reader(inner), is_many=is_many)))

    def read(row: Any) -> dict[str, Any]:
        held = row.__dict__
        return {
            name: held[name] if is_as_held and name in held else read_one(row)
            for name, is_as_held, read_one in reads
        }

    return read


def make_field_reader(model: type[models.Model], name: str) -> Read:
    """Return what reads one field of a row; None for what only the database knows so far."""
    field = next((one for one in model._meta.many_to_many if one.name == name), None)
    if field is not None:
        return _make_many_reader(name, field.remote_field.model)
    return make_column_reader(next(f for f in model._meta.concrete_fields if f.attname == name))


def make_column_reader(field: Any) -> Read:
    """Return what reads one column of a row: every row of a model is read by it.

    A deferred value is loaded. On an event loop that raises `LoadsOnLoop`.
    """
    name = field.attname

    def read(row: Any) -> Any:
        try:
            return row.__dict__[name]
        except KeyError:
            return _load(row, name)

    if is_file(field):
        return make_file_reader(field, read)
    if _travels_as_held(field):
        return read
    to_wire = get_kind(field).to_wire

    def read_converted(row: Any) -> Any:
        value = read(row)
        if value is None or value.__class__ is DatabaseDefault:  # which it has yet to decide
            return None
        return value if to_wire is None else to_wire(value)

    return read_converted


def _travels_as_held(field: Any) -> bool:
    """Return whether the value that an instance holds in a column is what travels."""
    return not (is_file(field) or get_kind(field).to_wire or field.has_db_default())


def _load(row: Any, name: str) -> Any:
    """Load a deferred value; None for what a new row does not have yet."""
    if row._state.adding:
        return None
    try:
        return getattr(row, name)
    except SynchronousOnlyOperation as error:
        raise LoadsOnLoop(
            f"{row._meta.label}.{name} is deferred and would be loaded on the event loop; "
            "load it with the row, or encode the row in a thread"
        ) from error


def to_model_value(field: Any, value: Any) -> Any:
    """Return the value of a peer as a field wants it: datetimes as the project has them.

    Raises:
        ValidationError: Of Django's: there is no such value.
    """
    if value is None or field is None:
        return value
    to_model = get_kind(field).to_model
    return value if to_model is None else to_model(value)


def _make_many_reader(name: str, target: Any) -> Read:
    is_ordered = bool(target._meta.ordering)

    def read(row: Any) -> list[Any]:
        pending = row.__dict__.get(PENDING, {})
        if name in pending:
            return list(pending[name])
        keys = [] if row._state.adding else [one.pk for one in getattr(row, name).all()]
        return keys if is_ordered else sorted(keys)  # or else they would look changed

    return read


def _make_nested_reader(
    name: str, read_inner: Callable[[Any], dict[str, Any]], *, is_many: bool
) -> Read:
    def read_many(row: Any) -> list[dict[str, Any]]:
        return [] if row._state.adding else [read_inner(one) for one in getattr(row, name).all()]

    def read_one(row: Any) -> dict[str, Any] | None:
        try:
            related = None if row._state.adding else getattr(row, name)
        except ObjectDoesNotExist:
            return None
        return None if related is None else read_inner(related)

    return read_many if is_many else read_one


def _make_guarded_reader(
    name: str, read_inner: Callable[[Any], dict[str, Any]], *, is_many: bool
) -> Read:
    waiting = waiting_name(name)

    def read_many(row: Any) -> list[dict[str, Any]]:
        return [read_inner(one) for one in row.__dict__.get(waiting, ())]

    def read_one(row: Any) -> dict[str, Any] | None:
        related = row.__dict__.get(waiting)
        return None if related is None else read_inner(related)

    return read_many if is_many else read_one
