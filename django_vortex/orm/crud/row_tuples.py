"""What travels of a row: tuples made of the values that a store gives.

Takes a shape, gives a `RowTupleType`: a generated `Tuple` class registered under a name, or the
model itself where it is a tuple type already with the same fields. Either way a store never sees a
tuple and a peer never sees a row.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.model_spec import ModelField, Shape
from django_vortex.tuples import (
    Tuple,
    TupleField,
    TupleRegistry,
    TupleType,
    get_present_fields,
)
from django_vortex.tuples.fields import FieldSpec
from django_vortex.wire.encode_plans import is_plain_name

BuildAll: TypeAlias = Callable[[Iterable[Sequence[Any]]], list[Any]]
"""Makes tuples of rows of values, those of each in the order of the shape."""

_NO_FIELDS: Mapping[str, Any] = MappingProxyType({})


class RowTuple(Tuple):
    """Base of the generated classes."""

    __hash__ = None


class RowTupleType:
    """How rows of one shape travel.

    Attributes:
        name: The name of the tuple type.
        cls: The class of the tuples.
        names: The fields, nested relations at the end.
        nested: By relation, how the related rows travel.
    """

    def __init__(
        self,
        tuple_type: TupleType,
        registry: TupleRegistry,
        names: Sequence[str],
        nested: "Mapping[str, RowTupleType]",
    ) -> None:
        self.name = tuple_type.name
        self.cls = tuple_type.cls
        self.nested = nested
        self.names = tuple(field.name for field in tuple_type.fields)
        self._tuple_type = tuple_type
        self._registry = registry
        self._partial: dict[frozenset[str], type[RowTuple]] = {}
        build = tuple_type.get_construction().build
        self._build = build if issubclass(tuple_type.cls, RowTuple) else _without_validation(build)
        is_compiled = issubclass(tuple_type.cls, RowTuple) and not nested
        self._build_all = (
            _compile_build_all(tuple_type.cls, names) if is_compiled else None
        ) or partial(self._make_one_by_one, names)
        self._reads = [(field.name, field.read) for field in tuple_type.fields]

    def make(self, values: Mapping[str, Any]) -> Any:
        """Make the tuple of a row's values; what is missing has its default."""
        if not self.nested:
            return self._build(values)
        made = {
            name: row_tuple.make_nested(values[name])
            for name, row_tuple in self.nested.items()
            if name in values
        }
        return self._build({**values, **made})

    def make_all(self, rows: Iterable[Sequence[Any]]) -> list[Any]:
        """Make the tuples of rows without relations.

        Args:
            rows: Of each the values of the fields in the order of the shape.
        """
        return self._build_all(rows)

    def make_nested(self, value: Any) -> Any:
        """Make what stands in a nested field: a tuple, a list of tuples, or None."""
        if value is None:
            return None
        if isinstance(value, Mapping):
            return self.make(value)
        return [self.make(one) for one in value]

    def leave_out(self, names: Iterable[str], instance: Any) -> Any:
        """Return the same tuple without those of the fields that are None; others as they are."""
        if instance.__class__ is not self.cls:
            return instance
        values = {
            name: getattr(instance, name) if read is None else read(instance)
            for name, read in self._reads
        }
        left = frozenset(name for name in names if values[name] is None)
        if not left:
            return instance
        made = object.__new__(self._get_partial(left))
        vars(made).update((name, value) for name, value in values.items() if name not in left)
        return made

    def read(self, instance: Any) -> dict[str, Any]:
        """Return the values of the fields that a peer sent, and no others."""
        present = get_present_fields(instance)
        return {
            name: getattr(instance, name) if read is None else read(instance)
            for name, read in self._reads
            if present is None or name in present
        }

    def _get_partial(self, left: frozenset[str]) -> type["RowTuple"]:
        """Return the class of tuples without some fields."""
        cls = self._partial.get(left)
        if cls is None:
            fields = [field for field in self._tuple_type.fields if field.name not in left]
            body: dict[str, Any] = {one.name: TupleField(one.type, raw=one.raw) for one in fields}
            body["__module__"] = self.cls.__module__
            body["__tuple_key__"] = self._tuple_type.adapter.get_key_names(self.cls)
            cls = self._partial[left] = type(self.cls.__name__, (RowTuple,), body)
            self._registry.add_partial(self._tuple_type, cls)
        return cls

    def _make_one_by_one(self, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Any]:
        return [self.make(dict(zip(names, values, strict=True))) for values in rows]


def _without_validation(
    build: Callable[[Mapping[str, object]], object],
) -> Callable[[Mapping[str, object]], object]:
    """Return what fills an instance of a model past its validators: stored rows are as they are."""

    def fill(values: Mapping[str, object]) -> object:
        instance = build(_NO_FIELDS)
        vars(instance).update(values)
        return instance

    return fill


def _compile_build_all(cls: type, names: Sequence[str]) -> BuildAll | None:
    """Generate what makes records of rows of values; None if a name cannot stand in source text."""
    if not all(is_plain_name(name) for name in names):
        return None
    values = [f"v{index}" for index in range(len(names))]
    lines = ["def build_all(rows, new=object.__new__, cls=cls):", " made = []"]
    lines += [" append = made.append", f" for {', '.join(values)}, in rows:", "  item = new(cls)"]
    lines += [f"  item.{name} = {value}" for name, value in zip(names, values, strict=True)]
    lines += ["  append(item)", " return made"]
    namespace: dict[str, Any] = {"cls": cls}
    exec("\n".join(lines), namespace)
    compiled: BuildAll = namespace["build_all"]
    return compiled


def make_row_tuple_type(
    shape: Shape, name: str | None, registry: TupleRegistry, *, is_nested: bool = False
) -> RowTupleType:
    """Return the type of the tuples of a shape.

    Args:
        shape: What is read of each row.
        name: The name of the tuple type; None for that of the model's registration if it has the
            same fields, else the label of the model.
        registry: Where tuple types are registered.
        is_nested: Whether it stands in a field of another.

    Raises:
        DefinitionError: The name is taken by another class, or by the same model with other fields.
    """
    nested = {
        relation: make_row_tuple_type(inner, inner.type_name, registry, is_nested=True)
        for relation, inner in shape.nested.items()
    }
    adopted = _get_registration(shape, name, registry)
    tuple_type = adopted or _register(shape, name or shape.spec.label, registry)
    if not is_nested:
        tuple_type.keeps_unknown = True
    return RowTupleType(tuple_type, registry, shape.names, nested)


def registered_fields(model: Any, registry: TupleRegistry) -> tuple[str, ...] | None:
    """Return the fields a model has as a tuple type of its own, None if it is none."""
    tuple_type = registry.get_by_class(model) if isinstance(model, type) else None
    if tuple_type is None or tuple_type.cls is not model:
        return None
    return tuple(field.name for field in tuple_type.fields)


def _get_registration(shape: Shape, name: str | None, registry: TupleRegistry) -> TupleType | None:
    """Return the model's own registration if tuples of it can hold the shape."""
    names = registered_fields(shape.spec.model, registry)
    if names is None or shape.nested or set(names) != set(shape.names):
        return None
    if any(shape.spec.fields[field].is_many for field in names):
        return None
    tuple_type = registry.get_by_class(shape.spec.model)
    assert tuple_type is not None
    return tuple_type if name in (None, tuple_type.name) else None


def _register(shape: Shape, name: str, registry: TupleRegistry) -> TupleType:
    known = registry.get_by_name(name)
    wanted = (*shape.names, *shape.nested)
    if known is not None and _is_row_tuple_of(known.cls, shape.spec.model):
        if tuple(field.name for field in known.fields) == wanted:
            return known
        raise DefinitionError(
            f"Tuple type {name!r} has the fields {_listed(known.fields)} already; "
            f"give a type_name to have it with {', '.join(wanted)} as well"
        )
    label = shape.spec.label
    if known is not None and getattr(known.cls, "__vortex_label__", label) != label:
        # The registry would take the class for its former self, of a module that is run again.
        raise DefinitionError(f"Tuple type {name!r} has the rows of another model than {label}")
    body: dict[str, Any] = {field: _declare(shape.spec.fields[field]) for field in shape.names}
    body |= {relation: TupleField() for relation in shape.nested}
    body["__doc__"] = f"Rows of {label}."
    body["__module__"] = getattr(shape.spec.model, "__module__", __name__)
    body["__tuple_key__"] = shape.spec.key_names
    body["__vortex_model__"] = shape.spec.model
    body["__vortex_label__"] = label
    cls = type(name.rpartition(".")[2], (RowTuple,), body)
    return registry.add(name, cls)


def _is_row_tuple_of(cls: type, model: Any) -> bool:
    return issubclass(cls, RowTuple) and getattr(cls, "__vortex_model__", None) is model


def _declare(field: ModelField) -> Any:
    return TupleField(field.type, raw=field.raw)


def _listed(fields: Iterable[FieldSpec]) -> str:
    return ", ".join(field.name for field in fields)
