"""What an `OrmCrudHandler` serves of one model.

Takes what the application wrote, `CrudModel`, checks it against what the store knows of the model
and gives a `ModelPlan`, which the work goes by.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.orm.crud_access import Access
from django_vortex.orm.extension import CrudExtension
from django_vortex.orm.permission import Permission, to_permission
from django_vortex.orm.records import RecordType, make_record_type, registered_fields
from django_vortex.orm.store import Key, ModelField, ModelSpec, Shape, Store
from django_vortex.tuples import TupleRegistry

ALL_FIELDS = "*"
"""Stands for every field of the model, also those that it will get later."""


@dataclass(frozen=True, slots=True)
class CrudModel:
    """One of several models of an `OrmCrudHandler`, whose arguments of the same names these are.

    Without a ``permission`` it has that of the handler.
    """

    model: Any
    _: KW_ONLY
    fields: Sequence[str] | str | None = None
    read_only_fields: Sequence[str] = ()
    permission: Any = None
    type_name: str | None = None
    nested: Mapping[str, Sequence[str] | str] | Sequence[str] = ()
    client_keys: bool = False
    version_field: str | None = None
    get_queryset: Callable[[Any], Any] | None = None
    extensions: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """How one model is served."""

    spec: ModelSpec
    shape: Shape
    record: RecordType
    writable: frozenset[str]
    """The fields that peers may set, apart from the key."""

    client_keys: bool
    version_field: str | None
    access: Access
    extensions: tuple[CrudExtension, ...]

    def read_key(self, values: Mapping[str, Any]) -> Key | None:
        """Give the key that values of a tuple name, None for a row that is to be made.

        An input that was left empty is ``""``, which is no key either (PROTOCOL 9).
        """
        key = tuple(values.get(name) for name in self.spec.key_names)
        return None if None in key or "" in key else key


def make_plan(
    crud: CrudModel,
    store: Store,
    registry: TupleRegistry,
    permission: Permission,
    extensions: Iterable[Any],
) -> ModelPlan:
    """Check what the application wrote of a model.

    Args:
        crud: What it wrote.
        store: Where the rows are.
        registry: Where tuple types are registered.
        permission: The handler's, for a model without its own.
        extensions: The handler's, before those of the model.

    Raises:
        DefinitionError: A field or relation that is not there, or a tuple type name that is taken.
    """
    spec = store.describe(crud.model)
    names = _find_names(spec, crud.fields, registry)
    version = crud.version_field
    if version is not None:
        _check_names(spec, [version], "version_field")
        if spec.fields[version].type is not int:
            raise DefinitionError(f"version_field {spec.label}.{version} has to be an integer")
        names = names if version in names else (*names, version)
    _check_names(spec, crud.read_only_fields, "read_only_fields")
    shape = Shape(spec, names, _find_nested(spec, crud.nested, names, store, registry))
    read_only = {*crud.read_only_fields, *spec.key_names, version}
    return ModelPlan(
        spec=spec,
        shape=shape,
        record=make_record_type(shape, crud.type_name, registry),
        writable=frozenset(
            name for name in names if name not in read_only and not spec.fields[name].is_read_only
        ),
        client_keys=crud.client_keys,
        version_field=version,
        access=Access(
            permission if crud.permission is None else to_permission(crud.permission),
            crud.get_queryset,
        ),
        extensions=tuple(_to_extension(one) for one in (*extensions, *crud.extensions)),
    )


def get_field(spec: ModelSpec, name: str, what: str) -> ModelField:
    """Give a field by its name.

    Raises:
        DefinitionError: There is none.
    """
    _check_names(spec, [name], what)
    return spec.fields[name]


def _find_names(
    spec: ModelSpec, fields: Sequence[str] | str | None, registry: TupleRegistry
) -> tuple[str, ...]:
    if fields is None:
        fields = registered_fields(spec.model, registry)
        if fields is None:
            raise DefinitionError(
                f"Name the fields of {spec.label} that peers may see, fields=[...], "
                f"or all of them, fields={ALL_FIELDS!r}; nothing is shown unless named"
            )
    if isinstance(fields, str):
        if fields != ALL_FIELDS:
            raise DefinitionError(f"fields has to be a list or {ALL_FIELDS!r}, got {fields!r}")
        return tuple(spec.fields)
    _check_names(spec, fields, "fields")
    wanted = dict.fromkeys((*(n for n in spec.key_names if n not in fields), *fields))
    return tuple(wanted)


def _find_nested(
    spec: ModelSpec,
    nested: Mapping[str, Sequence[str] | str] | Sequence[str],
    names: Sequence[str],
    store: Store,
    registry: TupleRegistry,
) -> dict[str, Shape]:
    chosen: Mapping[str, Any] = nested if isinstance(nested, Mapping) else dict.fromkeys(nested)
    found = {}
    for name, fields in chosen.items():
        relation = spec.relations.get(name)
        if relation is None:
            raise _unknown(spec, name, "nested", spec.relations)
        if name in names:
            raise DefinitionError(f"{spec.label}.{name} is named in fields and in nested")
        inner = store.describe(relation.model)
        found[name] = Shape(inner, _find_names(inner, fields, registry))
    return found


def _check_names(spec: ModelSpec, names: Iterable[str], what: str) -> None:
    for name in names:
        if name not in spec.fields:
            raise _unknown(spec, name, what, spec.fields)


def _unknown(spec: ModelSpec, name: str, what: str, known: Iterable[str]) -> DefinitionError:
    text = f"{what} names {quoted(name)}, which {spec.label} does not have"
    near = difflib.get_close_matches(str(name), list(known), n=1)
    return DefinitionError(f"{text}. Did you mean {near[0]!r}?" if near else text)


def _to_extension(value: Any) -> CrudExtension:
    if isinstance(value, type) and issubclass(value, CrudExtension):
        return value()
    if isinstance(value, CrudExtension):
        return value
    raise DefinitionError(f"Expected a CrudExtension, got {quoted(value)}")
