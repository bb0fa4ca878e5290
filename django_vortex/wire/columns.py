"""Several tuples of one type as columns: the names of type and fields once, a list for each field.

Takes encoded tuples, gives them with every run of one type and the same fields as one object, and
the other way round. Only our own dialect has it, and only in the list of tuples of a message.

A column is the list of the values, each encoded as it would be in a tuple; or, where all values but
nulls are wrapped as the same field type, that wrapper once around the list of what is in them. An
int stands there as it is: a column of numbers needs no wrapper.
"""

from __future__ import annotations

from itertools import groupby
from typing import Final

from django_vortex.exceptions import LimitExceeded, MalformedMessage, quoted
from django_vortex.typedefs import Json
from django_vortex.wire.limits import Limits

COLUMNS_MARKER: Final = "rts"
"""The ``_ct`` of tuples in columns."""

COLUMNS_HINT: Final = b'"rts"'
"""What is in a text that has tuples in columns."""

_WRAPPER: Final = frozenset({"_ft", "_fd"})


class MalformedColumns(MalformedMessage):
    """Columns that do not stand for tuples, so that no field of one is to blame."""


def fold_rows(items: list[Json]) -> list[Json]:
    """Return a list of encoded tuples and other values with runs of tuples as columns."""
    folded: list[Json] = []
    for shape, run in groupby(items, _get_shape):
        rows = list(run)
        if shape is None or len(rows) == 1:
            folded += rows
        else:
            names = list(shape[2:])
            columns = [fold_values([row[name] for row in rows]) for name in names]
            folded.append(
                {"_ct": COLUMNS_MARKER, "_c": shape[1], "fields": names, "columns": columns}
            )
    return folded


def fold_values(values: list[Json]) -> Json:
    """Return the column of encoded values, with the wrapper that all share around it."""
    kinds = {
        value["_ft"] if value.__class__ is dict and value.keys() == _WRAPPER else None
        for value in values
        if value is not None
    }
    if len(kinds) != 1 or None in kinds:
        return values
    (kind,) = kinds
    data = [None if value is None else value["_fd"] for value in values]
    return data if kind == "int" else {"_ft": kind, "_fd": data}


def expand_columns(items: Json, limits: Limits, arrived: int | None) -> Json:
    """Return the list of tuples of a message with a row for each tuple that is in columns.

    Args:
        items: What stands there.
        limits: How many there may be.
        arrived: Bytes that arrived, None if they do not count.

    Raises:
        WireError: Columns are none, or more than a message may hold.
    """
    if items.__class__ is not list:
        return items
    expanded: list[Json] = []
    weight = 0
    for index, item in enumerate(items):
        if item.__class__ is dict and item.get("_ct") == COLUMNS_MARKER:
            try:
                columns = _read_columns(item)
            except MalformedMessage as error:
                error.path = f"$.tuples[{index}]{error.path}"
                raise
            count = len(next(iter(columns.values())))
            weight += count * (1 + sum(isinstance(one, Wrapped) for one in columns.values()))
            check_weight(len(expanded) + count, weight, limits, arrived)
            head = {"_ct": "rt", "_c": item.get("_c")}
            expanded += [
                {**head, **dict(zip(columns, row, strict=True))}
                for row in zip(*columns.values(), strict=True)
            ]
        else:
            expanded.append(item)
    return expanded


def check_weight(count: int, weight: int, limits: Limits, arrived: int | None) -> None:
    """Refuse columns of more tuples than there may be, or more than as rows could have come.

    Args:
        count: How many tuples there are.
        weight: How many lists and objects they would be as rows.
        limits: Of the message.
        arrived: Bytes that arrived, None if they do not count.

    Raises:
        LimitExceeded: There are too many.
    """
    if count > limits.tuples:
        raise LimitExceeded(f"Payload of {count} tuples exceeds max_tuples ({limits.tuples})")
    allowed = limits.get_containers(arrived)
    if weight > allowed:
        size = "" if arrived is None else f" in {arrived} bytes"
        raise LimitExceeded(f"Columns hold more than {allowed} tuples and wrapped values{size}")


class Wrapped(list[Json]):
    """The values of a column whose wrapper stood around it, each in a wrapper of its own."""


def _get_shape(item: Json) -> tuple[str, ...] | None:
    """Return what two tuples must have in common to share columns, None for other values."""
    if item.__class__ is not dict or item.get("_ct") != "rt" or len(item) == len(("_ct", "_c")):
        return None
    return ("rt", item["_c"], *(name for name in item if name not in ("_ct", "_c")))


def _read_columns(block: dict[str, Json]) -> dict[str, list[Json]]:
    """Return the values of each field, as many as of all others."""
    names, columns = block.get("fields"), block.get("columns")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise MalformedColumns(f"Expected a list of names, got {quoted(names)}", ".fields")
    if not names or len(set(names)) != len(names) or not {"_ct", "_c"}.isdisjoint(names):
        raise MalformedColumns(
            f"Expected different names of fields, got {quoted(names)}", ".fields"
        )
    if not isinstance(columns, list) or len(columns) != len(names):
        text = f"Expected {len(names)} columns, got {quoted(columns)}"
        raise MalformedColumns(text, ".columns")
    read: dict[str, list[Json]] = {}
    for index, (name, column) in enumerate(zip(names, columns, strict=True)):
        try:
            values = read[name] = _read_column(column)
            first = read[names[0]]
            if len(values) != len(first):
                text = f"Expected {len(first)} values as in the first column, got {len(values)}"
                raise MalformedColumns(text, "")
        except MalformedColumns as error:
            error.path = f".columns[{index}]"
            raise
    return read


def _read_column(column: Json) -> list[Json]:
    if column.__class__ is list:
        return column
    if column.__class__ is dict and column.keys() == _WRAPPER:
        kind, data = column["_ft"], column["_fd"]
        if data.__class__ is list:
            return Wrapped(None if one is None else {"_ft": kind, "_fd": one} for one in data)
    raise MalformedColumns(f"Expected a list of values, got {quoted(column)}", "")
