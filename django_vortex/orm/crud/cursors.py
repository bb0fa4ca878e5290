"""Cursors: where the next page of a list begins, as a text that peers send back.

Takes the order of a list and the place of its last row: the values by which that is ordered, as the
database writes them. It compares them exactly, so that rows which come, go or change meanwhile
shift nothing.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from django_vortex.exceptions import ValidationError, WireError, quoted, with_path
from django_vortex.orm.conditions import AllOf, AnyOf, Comparison, Condition, Stored
from django_vortex.orm.store import Order
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect


def make_cursor(order: Sequence[Order], place: Sequence[Any], codec: Codec) -> str:
    """Return the cursor behind a place, as of `Rows.place`."""
    content = [_spell(order), list(place)]
    text = codec.encode_json(codec.encode_value(content, Dialect.NATIVE), Dialect.NATIVE)
    return base64.urlsafe_b64encode(text).decode("ascii")


def read_cursor(cursor: Any, order: Sequence[Order], codec: Codec) -> list[Any]:
    """Return the place behind which a list goes on.

    Raises:
        ValidationError: It is no cursor of a list in this order.
    """
    try:
        text = base64.b64decode(cursor, altchars="-_", validate=True)
        content = codec.decode_value(codec.read_json(text), Dialect.NATIVE)
        spelt, values = content
        place = [_check_value(one, value) for one, value in zip(order, values, strict=True)]
    except (binascii.Error, ValueError, TypeError, WireError):
        raise no_cursor(cursor) from None
    if spelt != _spell(order):
        raise no_cursor(cursor)
    return place


def no_cursor(cursor: Any) -> ValidationError:
    """Return the error for a cursor that no page of this list had."""
    return ValidationError(with_path(f"{quoted(cursor)} is no cursor of this list", "filt.after"))


def behind(order: Sequence[Order], place: Sequence[Any]) -> Condition:
    """Return the condition of the rows behind a place in an order."""
    alternatives: list[Condition] = []
    same: list[Condition] = []
    for one, value in zip(order, place, strict=True):
        later = _later(one, value)
        if later is not None:
            alternatives.append(AllOf((*same, later)))
        lookup, operand = ("isnull", True) if value is None else ("exact", Stored(value))
        same.append(Comparison(one.name, lookup, operand))
    return AnyOf(tuple(alternatives))


def _later(order: Order, value: Any) -> Condition | None:
    """Return what comes behind a value in one field, where NULL is greater than all values."""
    if value is None:
        return Comparison(order.name, "isnull", False) if order.is_descending else None
    if order.is_descending:
        return Comparison(order.name, "lt", Stored(value))
    greater = Comparison(order.name, "gt", Stored(value))
    return (
        AnyOf((greater, Comparison(order.name, "isnull", True))) if order.is_nullable else greater
    )


def _check_value(order: Order, value: Any) -> Any:
    """Take what drivers give; the database tells whether a column has such values."""
    if isinstance(value, list | tuple | dict) or (value is None and not order.is_nullable):
        raise ValueError(value)
    if isinstance(value, str):
        value.encode()  # databases take no lone surrogates
    return value


def _spell(order: Sequence[Order]) -> str:
    return ",".join(f"-{one.name}" if one.is_descending else one.name for one in order)
