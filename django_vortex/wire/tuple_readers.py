"""Parsed JSON to tuples: `TupleReader` of a registered type, `GenericReader` of any other.

Takes an ``rt`` object and the decoder of its values, gives the instance.
"""

from __future__ import annotations

from typing import Any

from django_vortex.exceptions import DefinitionError, MalformedMessage, WireError
from django_vortex.tuples import (
    GenericTuple,
    TupleSelector,
    TupleType,
    mark_present_fields,
    mark_unknown_fields,
)
from django_vortex.tuples.values import ValueTypes
from django_vortex.typedefs import Json
from django_vortex.wire.json_text import PLAIN
from django_vortex.wire.ports import DecodesValues
from django_vortex.wire.registered_values import holds_data
from django_vortex.wire.type_checks import Check, make_check, under

_MARKERS = frozenset({"_ct", "_c"})


class TupleReader:
    """Rebuilds the tuples of one type from parsed JSON.

    Only declared fields are looked at; those that the message does not carry keep their defaults.
    """

    def __init__(self, tuple_type: TupleType, values: ValueTypes) -> None:
        self.cls = tuple_type.cls
        self.tuple_type = tuple_type
        self.construction = tuple_type.get_construction()
        self.fields = tuple_type.fields
        self.checks: dict[str, Check | None] = {
            field.name: None if field.raw else make_check(field.type, values)
            for field in self.fields
        }
        self.data_fields = frozenset(
            field.name for field in self.fields if holds_data(field.type, values)
        )

    def read(self, source: dict[str, Json], decoder: DecodesValues, depth: int) -> object:
        """Return the instance that ``source`` describes."""
        values: dict[str, object] = {}
        for field in self.fields:
            name = field.name
            if name in source:
                try:
                    item = source[name]
                    if field.raw:
                        decoder.check_raw(item, depth)
                    elif item.__class__ not in PLAIN:
                        decode = decoder.decode_data if name in self.data_fields else decoder.decode
                        item = decode(item, depth)
                    check = self.checks[name]
                    values[name] = item if item is None or check is None else check(item)
                except WireError as error:
                    under(error, f".{name}")
                    raise
        instance = self.construction.build(values)
        if len(values) != len(self.fields):
            mark_present_fields(instance, frozenset(values))
        if self.tuple_type.keeps_unknown:
            unknown = frozenset(source.keys() - values.keys() - _MARKERS)
            if unknown:
                mark_unknown_fields(instance, unknown)
        if self.cls is TupleSelector:
            _check_selector(instance)
        return instance


class GenericReader:
    """Rebuilds tuples of a type that is not registered, with whatever fields they have."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, source: dict[str, Json], decoder: DecodesValues, depth: int) -> GenericTuple:
        """Return the instance that ``source`` describes."""
        values: dict[str, object] = {}
        for name, item in source.items():
            if not name.startswith("_"):
                try:
                    values[name] = decoder.decode(item, depth)
                except WireError as error:
                    under(error, f".{name}")
                    raise
        return GenericTuple(self.name, values)


def _check_selector(instance: Any) -> None:
    """Refuse conditions that have no canonical text: nobody could compare the selector."""
    try:
        instance.canonical  # noqa: B018 - computing it is the check
    except DefinitionError as error:
        raise MalformedMessage(str(error), ".selector") from None
