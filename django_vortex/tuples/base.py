"""The base class of typed records.

Takes a class body with `TupleField`s and annotations, gives a class with keyword construction,
equality and ``repr``. Registration under a wire name is the business of `tuple_type`.
"""

from __future__ import annotations

import difflib
from typing import Any, ClassVar

from django_vortex.exceptions import UnknownField
from django_vortex.tuples.fields import FieldDefinition, collect_definitions


class Tuple:
    """A record whose fields travel between peers.

    Subclasses declare fields as annotations, `TupleField`s or both, and inherit those of their
    bases. A field that is not set reads as its default, which is None unless declared.
    """

    __tuple_fields__: ClassVar[dict[str, FieldDefinition]] = {}
    __hash__ = None  # type: ignore[assignment]  # equal by value and mutable

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = collect_definitions(cls)
        fields: dict[str, FieldDefinition] = {}
        for base in reversed(cls.__mro__[1:]):
            fields.update(vars(base).get("__tuple_fields__", {}))
        fields.update(own)
        cls.__tuple_fields__ = fields
        for name, definition in own.items():
            setattr(cls, name, definition.default)

    def __init__(self, **values: Any) -> None:
        fields = self.__tuple_fields__
        for name in values:
            if name not in fields:
                raise UnknownField(_unknown_field_text(type(self), name))
        fill_from_factories(self, values)
        self.__dict__.update(values)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__tuple_fields__)

    def __repr__(self) -> str:
        parts = (f"{name}={getattr(self, name)!r}" for name in self.__tuple_fields__)
        return f"{type(self).__qualname__}({', '.join(parts)})"


def fill_from_factories(instance: Tuple, values: dict[str, Any]) -> None:
    """Make the defaults of the fields that are not in ``values`` and have a factory."""
    for name, definition in instance.__tuple_fields__.items():
        if definition.default_factory is not None and name not in values:
            instance.__dict__[name] = definition.default_factory()


def _unknown_field_text(cls: type[Tuple], name: str) -> str:
    text = f"{cls.__qualname__} has no field {name!r}"
    near = difflib.get_close_matches(name, cls.__tuple_fields__, n=1)
    return f"{text}. Did you mean {near[0]!r}?" if near else text
