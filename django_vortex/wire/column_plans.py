"""Compiled decoding of columns: one msgspec decoder and one generated function per tuple type.

Takes the JSON text of a payload whose tuples are all of one type, complete and in columns, gives
the tuples. As with `decode_plans`, whatever is not as expected makes it give up, and the general
decoder reads the text again.
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
import uuid
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from django_vortex.exceptions import MalformedMessage
from django_vortex.tuples import FieldSpec, TupleType
from django_vortex.tuples.values import ValueTypes
from django_vortex.wire.columns import COLUMNS_MARKER, check_weight
from django_vortex.wire.decode_plans import HINT_CHARACTERS, SIMPLE, Int, has_plan
from django_vortex.wire.encode_plans import TUPLE_DEPTH, strip_optional
from django_vortex.wire.json_text import PLAIN
from django_vortex.wire.limits import Limits
from django_vortex.wire.ports import DecodesValues
from django_vortex.wire.type_checks import make_check

_FIRST_COLUMNS = re.compile(rb'"tuples":\[\{"_ct":"%b","_c":"([^"\\]+)"' % COLUMNS_MARKER.encode())

_NATIVE: dict[object, str] = {
    dt.datetime: "datetime",
    dt.date: "date",
    decimal.Decimal: "decimal",
    uuid.UUID: "uuid",
    bytes: "bytes",
}
"""By declared type: the field type of a column that msgspec reads as a whole."""

_INSIDE = "c if c.__class__ is list else c._fd"
_EACH = "[{} for v in c]"


def get_columns_name(text: bytes) -> str | None:
    """Guess the type of a payload's tuples, if columns are the first of them."""
    found = _FIRST_COLUMNS.search(text, 0, HINT_CHARACTERS)
    return None if found is None else found[1].decode("utf-8", "replace")


class ColumnsPlan:
    """The compiled decoding of payloads with columns of tuples of one type."""

    def __init__(self, tuple_type: TupleType, values: ValueTypes) -> None:
        namespace: dict[str, Any] = {"Int": Int, "plain": PLAIN, "depth": TUPLE_DEPTH}
        chosen = [_choose(field, i, namespace, values) for i, field in enumerate(tuple_type.fields)]
        columns: Any = msgspec.defstruct(
            "Columns",
            [
                ("kind", Literal[COLUMNS_MARKER]),
                ("name", Literal[tuple_type.name]),
                ("fields", list[str]),
                ("columns", tuple.__class_getitem__(tuple(kind for kind, _ in chosen))),
            ],
            rename={"kind": "_ct", "name": "_c"},
        )
        message = msgspec.defstruct(
            "Message",
            [
                ("tuples", tuple[columns]),
                ("kind", Literal["rp"], "rp"),
                ("filt", Any, None),
                ("date", Any, None),
            ],
            rename={"kind": "_ct"},
        )
        self.read: Callable[[bytes], Any] = msgspec.json.Decoder(message).decode
        """Parse the text; raises `msgspec.MsgspecError` or `RecursionError` to give up."""
        self._names = [field.name for field in tuple_type.fields]
        self._build = _compile(tuple_type, [made for _, made in chosen], namespace)

    def build(
        self, tuples: Any, decoder: DecodesValues, limits: Limits, arrived: int | None
    ) -> list[Any]:
        """Make the tuples; raises `WireError` to give up."""
        (columns,) = tuples
        if columns.fields != self._names:
            raise MalformedMessage("Columns are not those of the type")
        kinds = [column.__class__ for column in columns.columns]
        weight = 1 + len(kinds) - kinds.count(list)

        def check(count: int) -> None:
            check_weight(count, count * weight, limits, arrived)

        return self._build(columns.columns, decoder, check)


def make_columns_plan(tuple_type: TupleType, values: ValueTypes) -> ColumnsPlan | None:
    """Return the plan of a type; None if it has none, or no fields and so no columns."""
    return ColumnsPlan(tuple_type, values) if tuple_type.fields and has_plan(tuple_type) else None


def _choose(
    field: FieldSpec, index: int, namespace: dict[str, Any], values: ValueTypes
) -> tuple[Any, str]:
    """Return what msgspec is to expect for a column, and how the values are made of that."""
    if field.raw:
        return list[Any], _EACH.format("v if v.__class__ in plain else decoder.check_raw(v, depth)")
    declared = strip_optional(field.type)
    if declared in (int, float, bool, str):
        return list.__class_getitem__(declared | None), "c"
    if declared in _NATIVE:
        return _wrapper(_NATIVE[declared], declared) | list[None], _INSIDE
    if declared in SIMPLE:
        kind, made = SIMPLE[declared]
        return list.__class_getitem__(kind), _EACH.format(made)
    check = make_check(field.type, values)
    if check is None:
        return Any, "decoder.decode_column(c, depth)"
    namespace[f"check{index}"] = check
    return Any, (
        f"[None if v is None else check{index}(v) for v in decoder.decode_column(c, depth)]"
    )


def _wrapper(kind: Any, declared: Any) -> Any:
    """Return the struct of a column whose wrapper stands around it."""
    fields = [("_ft", Literal[kind]), ("_fd", list[declared | None])]
    return msgspec.defstruct("Wrapped", fields, gc=False)


def _compile(
    tuple_type: TupleType, expressions: list[str], namespace: dict[str, Any]
) -> Callable[[Any, DecodesValues, Callable[[int], None]], list[Any]]:
    construction = tuple_type.get_construction()
    names = [field.name for field in tuple_type.fields]
    namespace |= {
        "build": construction.build,
        "cls": tuple_type.cls,
        "new": object.__new__,
        "unequal": _fail_unequal,
    }
    locals_of_function = ", ".join(f"{name}={name}" for name in namespace)
    indexes = range(len(names))
    lines = [f"def build_all(columns, decoder, check, {locals_of_function}):"]
    lines += [" built = []", " append = built.append"]
    for index, expression in enumerate(expressions):
        lines += [f" c = columns[{index}]", f" c{index} = {expression}"]
    lines += [" count = len(c0)", " check(count)"]
    lines += [f" if len(c{index}) != count: unequal()" for index in indexes[1:]]
    values = ", ".join(f"v{index}" for index in indexes)
    columns = ", ".join(f"c{index}" for index in indexes)
    lines.append(f" for {values}, in zip({columns}, strict=True):")
    if construction.is_plain:
        lines.append("  instance = new(cls)")
        lines += [f"  instance.{name} = v{i}" for i, name in enumerate(names)]
        lines.append("  append(instance)")
    else:
        given = ", ".join(f"{name!r}: v{i}" for i, name in enumerate(names))
        lines.append(f"  append(build({{{given}}}))")
    lines.append(" return built")
    exec("\n".join(lines), namespace)
    compiled: Callable[[Any, DecodesValues, Callable[[int], None]], list[Any]]
    compiled = namespace["build_all"]
    return compiled


def _fail_unequal() -> None:
    raise MalformedMessage("Columns are of unequal lengths")
