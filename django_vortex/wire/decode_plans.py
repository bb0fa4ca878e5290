"""Compiled decoding: one msgspec decoder and one generated function per tuple type.

Takes the JSON text of a payload whose tuples are all of one type and complete, gives the payload.
Whatever is not as expected (a missing field, an odd spelling, a wrong type) makes it give up, and
the general decoder reads the text again, with the right value or the right error.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import msgspec

from django_vortex.tuples import FieldSpec, TupleSelector, TupleType
from django_vortex.tuples.values import ValueTypes
from django_vortex.wire.encode_plans import TUPLE_DEPTH, is_plain_name, strip_optional
from django_vortex.wire.json_text import PLAIN
from django_vortex.wire.limits import Limits
from django_vortex.wire.ports import DecodesValues
from django_vortex.wire.registered_values import holds_data
from django_vortex.wire.type_checks import make_check

HINT_CHARACTERS = 4096
"""How far into the text `get_type_name` looks; the filt stands before the tuples."""

_FIRST_TUPLE = re.compile(rb'"tuples":\[\{"_ct":"rt","_c":"([^"\\]+)"')

# Literals and not msgspec's tags, which may be missing where only one struct is possible.
Int: Any = msgspec.defstruct("Int", [("_ft", Literal["int"]), ("_fd", int)], gc=False)
_Moment: Any = msgspec.defstruct(
    "Moment", [("_ft", Literal["datetime"]), ("_fd", dt.datetime)], gc=False
)

_INT: Any = int | Int

SIMPLE: dict[object, tuple[Any, str]] = {
    int: (_INT | None, "v._fd if v.__class__ is Int else v"),
    float: (float | Int | None, "float(v._fd) if v.__class__ is Int else v"),
    bool: (bool | None, "v"),
    str: (str | None, "v"),
    dt.datetime: (_Moment | None, "None if v is None else v._fd"),
    list[str]: (list[str] | None, "v"),
    list[float]: (
        list[float | Int] | None,
        "None if v is None else [float(i._fd) if i.__class__ is Int else i for i in v]",
    ),
    list[int]: (
        list[_INT] | None,
        "None if v is None else [i._fd if i.__class__ is Int else i for i in v]",
    ),
}
"""By declared type: what msgspec is to expect, and how the value is made of it."""


Build: TypeAlias = Callable[[Any, DecodesValues, Limits, int | None], list[Any]]
"""Takes what was parsed, the decoder, limits, and the bytes that arrived; returns the tuples."""


def get_type_name(text: bytes) -> str | None:
    """Guess the type of a payload's tuples by the first of them."""
    found = _FIRST_TUPLE.search(text, 0, HINT_CHARACTERS)
    return None if found is None else found[1].decode("utf-8", "replace")


class DecodePlan:
    """The compiled decoding of payloads with tuples of one type."""

    def __init__(self, tuple_type: TupleType, values: ValueTypes) -> None:
        fields = tuple_type.fields
        namespace: dict[str, Any] = {"Int": Int, "plain": PLAIN, "depth": TUPLE_DEPTH}
        kinds, expressions = [], []
        for index, field in enumerate(fields):
            kind, expression = _choose(field, index, namespace, values)
            kinds.append(kind)
            expressions.append(expression)
        record: Any = msgspec.defstruct(
            "Record",
            [
                ("kind", Literal["rt"]),
                ("name", Literal[tuple_type.name]),
                *((f"f{index}", kind) for index, kind in enumerate(kinds)),
            ],
            rename={"kind": "_ct", "name": "_c"}
            | {f"f{index}": field.name for index, field in enumerate(fields)},
            gc=False,
            forbid_unknown_fields=tuple_type.keeps_unknown,  # to be found by the general decoder
        )
        message = msgspec.defstruct(
            "Message",
            [
                ("tuples", list[record]),
                ("kind", Literal["rp"], "rp"),
                ("filt", Any, None),
                ("date", Any, None),
            ],
            rename={"kind": "_ct"},
        )
        self.read: Callable[[bytes], Any] = msgspec.json.Decoder(message).decode
        """Parse the text; raises `msgspec.MsgspecError` or `RecursionError` to give up."""
        self.build: Build = _compile(tuple_type, expressions, namespace)
        """Make the tuples; raises `WireError` to give up."""


def has_plan(tuple_type: TupleType) -> bool:
    """Return whether decoding of a type can be compiled."""
    names_are_plain = all(is_plain_name(field.name) for field in tuple_type.fields)
    return names_are_plain and tuple_type.cls is not TupleSelector


def make_plan(tuple_type: TupleType, values: ValueTypes) -> DecodePlan | None:
    """Return the plan of a type, None if it has none."""
    return DecodePlan(tuple_type, values) if has_plan(tuple_type) else None


def _choose(
    field: FieldSpec, index: int, namespace: dict[str, Any], values: ValueTypes
) -> tuple[Any, str]:
    """Return what msgspec is to expect for a field, and how its value is made of that."""
    if field.raw:
        return Any, "v if v.__class__ in plain else decoder.check_raw(v, depth)"
    declared = strip_optional(field.type)
    if declared in SIMPLE:
        return SIMPLE[declared]
    decoded = "(v if v.__class__ in plain else decoder.decode(v, depth))"
    if holds_data(field.type, values):
        decoded = "decoder.decode_data(v, depth)"
    check = make_check(field.type, values)
    if check is None:
        return Any, decoded
    namespace[f"check{index}"] = check
    return Any, f"None if v is None else check{index}({decoded})"


def _compile(tuple_type: TupleType, expressions: list[str], namespace: dict[str, Any]) -> Build:
    construction = tuple_type.get_construction()
    names = [field.name for field in tuple_type.fields]
    namespace |= {"build": construction.build, "cls": tuple_type.cls, "new": object.__new__}
    locals_of_function = ", ".join(f"{name}={name}" for name in namespace)
    lines = [f"def build_all(records, decoder, limits, arrived, {locals_of_function}):"]
    lines += [" built = []", " append = built.append", " for record in records:"]
    if construction.is_plain:
        lines.append("  instance = new(cls)")
    else:
        lines.append("  values = {}")
    for index, (name, expression) in enumerate(zip(names, expressions, strict=True)):
        target = f"instance.{name}" if construction.is_plain else f"values[{name!r}]"
        lines += [f"  v = record.f{index}", f"  {target} = {expression}"]
    lines.append("  append(instance)" if construction.is_plain else "  append(build(values))")
    lines.append(" return built")
    exec("\n".join(lines), namespace)
    compiled: Build = namespace["build_all"]
    return compiled
