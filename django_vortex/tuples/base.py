"""The base class of typed records.

Takes a class body with `TupleField`s and annotations, gives a class with keyword construction,
equality and ``repr``. Registration under a wire name is the business of `tuple_type`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django_vortex.exceptions import UnknownField, did_you_mean
from django_vortex.tuples.fields import FieldDefinition, collect_definitions


class Tuple:
    """A record whose fields travel between peers.

    Subclasses declare fields by annotation, by `TupleField` or both, and inherit those of their
    bases. A field that is not given gets its default, which is None unless declared.

    Defaults are no class attributes, and instances are filled in the order of declaration: this is
    what lets the interpreter share the keys of all instances and store an attribute at full speed.
    """

    __tuple_fields__: ClassVar[dict[str, FieldDefinition]] = {}
    __tuple_key__: ClassVar[tuple[str, ...]] = ()
    """The fields that tell one record from all others of the class; none if they are not known."""
    __hash__ = None  # type: ignore[assignment]  # equal by value and mutable

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = collect_definitions(cls)
        fields: dict[str, FieldDefinition] = {}
        for base in reversed(cls.__mro__[1:]):
            fields.update(vars(base).get("__tuple_fields__", {}))
        fields.update(own)
        cls.__tuple_fields__ = fields
        for name in own:
            if name in vars(cls):
                delattr(cls, name)

    def __init__(self, **values: Any) -> None:
        for name in values:
            if name not in self.__tuple_fields__:
                text = f"{type(self).__qualname__} has no field {name!r}"
                raise UnknownField(text + did_you_mean(name, self.__tuple_fields__))
        fill(self, values)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__tuple_fields__)

    def __repr__(self) -> str:
        parts = (f"{name}={getattr(self, name)!r}" for name in self.__tuple_fields__)
        return f"{type(self).__qualname__}({', '.join(parts)})"


def fill(instance: Tuple, values: Mapping[str, Any]) -> None:
    """Set all fields of a new instance, those that are not in ``values`` to their defaults."""
    for name, definition in instance.__tuple_fields__.items():
        if name in values:
            value = values[name]
        elif definition.default_factory is not None:
            value = definition.default_factory()
        else:
            value = definition.default
        setattr(instance, name, value)
