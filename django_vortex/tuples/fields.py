"""Declare the fields of a tuple class.

Takes a class body, gives a `FieldSpec` per field; types are resolved at first use,
since annotations may name classes that are not importable while the body runs.
"""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django_vortex.exceptions import DefinitionError, quoted

_MUTABLE_DEFAULTS = (list, dict, set, bytearray)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a tuple type as the codec sees it."""

    name: str
    """The name on the wire and in Python."""

    type: object = None
    """The resolved Python type, checked while decoding; None takes any value."""

    raw: bool = False
    """Whether the value is plain JSON that travels as it is."""

    read: Callable[[Any], object] | None = None
    """How to read the value from an instance; None is plain attribute access, which is faster."""

    refusal: str = ""
    """Why its values cannot travel, which is an error if the field is chosen."""


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """What `TupleField` leaves in a class body until the class is complete."""

    type: object = None
    default: object = None
    default_factory: Callable[[], object] | None = None
    raw: bool = False


def TupleField(
    type: object = None,
    *,
    default: object = None,
    default_factory: Callable[[], object] | None = None,
    raw: bool = False,
) -> Any:
    """Declare a field of a `Tuple`.

    Args:
        type: The Python type that peers have to send; None leaves it to the annotation.
        default: The value of instances that do not set the field; immutable.
        default_factory: Makes the default of each instance, for lists and the like.
        raw: The value is plain JSON and travels without any encoding.

    Returns:
        A definition that the class replaces by the default. Typed as anything, so that it may
        stand beside an annotation.

    Raises:
        DefinitionError: A mutable default, or a default and a factory.
    """
    if default is not None and default_factory is not None:
        raise DefinitionError("A TupleField takes a default or a default_factory, not both")
    return FieldDefinition(type, default, default_factory, raw)


def collect_definitions(cls: type) -> dict[str, FieldDefinition]:
    """Find the fields that the body of a class declares itself, in order.

    An annotation without a `TupleField` declares a field too, unless its name begins with an
    underscore (such names do not travel) or it is a ``ClassVar``.

    Raises:
        DefinitionError: A name that cannot travel, or a mutable default.
    """
    own = vars(cls)
    definitions: dict[str, FieldDefinition] = {}
    for name, annotation in inspect.get_annotations(cls).items():
        value = own.get(name)
        if isinstance(value, FieldDefinition):
            definitions[name] = value
        elif not name.startswith("_") and not _is_class_variable(annotation):
            definitions[name] = FieldDefinition(default=value)
    for name, value in own.items():
        if isinstance(value, FieldDefinition):
            definitions.setdefault(name, value)
    for name, definition in definitions.items():
        where = f"{cls.__qualname__}.{name}"
        if name.startswith("_"):
            raise DefinitionError(f"Field {where} begins with an underscore and cannot travel")
        if isinstance(definition.default, _MUTABLE_DEFAULTS):
            raise DefinitionError(
                f"Field {where} has the mutable default {quoted(definition.default)}; "
                "use default_factory"
            )
    return definitions


def resolve_types(cls: type) -> Mapping[str, object]:
    """Return the types that the annotations of a class and its bases name.

    An annotation that cannot be resolved (its name exists for type checkers only) gives no type.
    """
    resolved: dict[str, object] = {}
    for base in reversed(cls.__mro__):
        module = vars(sys.modules.get(base.__module__, types.ModuleType("missing")))
        # Only classes of the body: a field called ``date`` must not hide the class `date`.
        nested = {key: value for key, value in vars(base).items() if isinstance(value, type)}
        for name, annotation in inspect.get_annotations(base).items():
            try:
                hints = typing.get_type_hints(_Holder(name, annotation), nested | module)
            except (NameError, AttributeError, SyntaxError, TypeError):
                resolved.pop(name, None)
            else:
                resolved[name] = hints[name]
    return resolved


class _Holder:
    """Carries one annotation, so that one that cannot be resolved does not spoil the others."""

    def __init__(self, name: str, annotation: object) -> None:
        self.__annotations__ = {name: annotation}


def _is_class_variable(annotation: object) -> bool:
    if isinstance(annotation, str):
        return annotation.startswith(("ClassVar", "typing.ClassVar"))
    return typing.get_origin(annotation) is typing.ClassVar or annotation is typing.ClassVar
