"""Compiled encoding writes what the general encoder writes, for any tuples."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import json
import uuid
import zlib
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from django_vortex.exceptions import DefinitionError, WireError
from django_vortex.tuples import Tuple, TupleField, TupleRegistry, tuple_type
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.encode_plans import strip_optional
from django_vortex.wire.payload import Payload
from tests.unit.wire import strategies
from tests.unit.wire.strategies import Anything, Declared

CODEC = Codec(strategies.registry)


def inflated(text: bytes) -> str:
    return zlib.decompress(base64.b64decode(text)).decode("ascii")


def write_in_general(payload: Payload, dialect: Dialect) -> str:
    return CODEC.encode_json(CODEC.encode_value(payload, dialect), dialect).decode("ascii")


def write_compiled(payload: Payload, dialect: Dialect) -> str:
    return inflated(CODEC.encode_payload(payload, dialect).text)


def content(text: str) -> str:
    return json.dumps(json.loads(text), sort_keys=True)


def outcome(text: str, dialect: Dialect) -> Any:
    """Return what a reader makes of a payload, or the error that it gets."""
    try:
        return strategies.strict(CODEC.decode_inflated(text.encode(), dialect))
    except WireError as error:
        return str(error)


MIXED = st.lists(strategies.declared | strategies.values, max_size=4)
MISFITS = st.builds(
    # Nobody checks what a handler puts into a declared field.
    Declared,
    whole=strategies.values,
    real=strategies.values,
    flag=strategies.values,
    text=strategies.values,
    moment=strategies.values,
    words=strategies.values,
    color=strategies.values,
)


@given(tuples=MIXED | st.lists(MISFITS, max_size=2))
@example(tuples=[Declared(moment=dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC))])
@example(tuples=[Declared(moment=dt.datetime(2024, 1, 2, 3, 4, 5, 600, tzinfo=dt.UTC))])
@example(tuples=[Declared(moment=dt.datetime(1, 1, 1, tzinfo=dt.UTC))])
@example(tuples=[Declared(moment=dt.datetime(2024, 1, 2, tzinfo=ZoneInfo("Europe/Rome")))])
@example(tuples=[Declared(moment=dt.datetime(1800, 1, 2, tzinfo=ZoneInfo("Europe/Rome")))])
@example(tuples=[Declared(text="é😀\ud800", words=["é"])])
@example(tuples=[Declared(text="é😀", words=["x", None, 5])])
@example(tuples=[Declared(whole=True), Declared(whole=2**53), Declared(whole=2**53 + 1)])
@example(tuples=[Declared(real=float("nan")), Declared(real=5), Declared(real=-0.0)])
def test_plan_and_general_encoder_write_the_same(tuples: list[Any]) -> None:
    payload = Payload({"key": "k"}, tuples, dt.datetime(2024, 1, 2, tzinfo=dt.UTC))
    for dialect in Dialect:
        compiled, general = write_compiled(payload, dialect), write_in_general(payload, dialect)
        if dialect.has_columns:
            assert outcome(compiled, dialect) == outcome(general, dialect)
        else:
            assert content(compiled) == content(general), dialect


@tuple_type("t.Scalars", registry=strategies.registry)
class Scalars(Tuple):
    """Fields of the types that only our own dialect has."""

    price = TupleField(decimal.Decimal)
    day = TupleField(dt.date)
    key = TupleField(uuid.UUID)


class Day(dt.date):
    """Of a class that no dialect knows."""


@given(
    price=st.none() | st.decimals() | strategies.values,
    day=st.none() | st.dates() | st.datetimes() | strategies.values,
    key=st.none() | st.uuids() | strategies.values,
)
@example(price=decimal.Decimal("-0E-30"), day=dt.date.min, key=uuid.UUID(int=0))
@example(price=decimal.Decimal("1E+999"), day=Day(2024, 1, 2), key=uuid.UUID(int=2**128 - 1))
@example(price=decimal.Decimal("-sNaN12"), day=dt.date.max, key=str(uuid.UUID(int=5)))
def test_plan_and_general_encoder_write_the_same_scalars(price: Any, day: Any, key: Any) -> None:
    payload = Payload({}, [Scalars(price=price, day=day, key=key), Scalars()])
    for dialect in Dialect:
        compiled, general = write_compiled(payload, dialect), write_in_general(payload, dialect)
        if dialect.has_columns:
            assert outcome(compiled, dialect) == outcome(general, dialect)
        else:
            assert content(compiled) == content(general), dialect


@pytest.mark.parametrize(
    "fields",
    [{"price": decimal.Decimal(1)}, {"day": dt.date(2024, 1, 2)}, {"key": uuid.UUID(int=1)}],
)
def test_what_only_our_own_dialect_has_is_not_sent_to_others(fields: dict[str, Any]) -> None:
    assert CODEC.encode_payload(Payload({}, [Scalars()]), Dialect.NATIVE).portable
    for dialect in (Dialect.NATIVE, Dialect.D2):
        assert not CODEC.encode_payload(Payload({}, [Scalars(**fields)]), dialect).portable


def test_subclass_of_a_registered_class_is_not_taken_for_it() -> None:
    class Forgotten(Anything):
        more = TupleField()

    with pytest.raises(DefinitionError, match="Forgotten is neither a value that travels"):
        CODEC.encode_payload(Payload({}, [Anything(), Forgotten()]), Dialect.D2)


def test_raw_fields_must_be_plain_json() -> None:
    for value in (dt.date(2024, 1, 2), {1: 2}, [float("nan")], (1,)):
        with pytest.raises(DefinitionError, match="Raw field holds"):
            CODEC.encode_payload(Payload({}, [Anything(json=value)]), Dialect.D2)


def test_a_cycle_is_told_and_not_followed() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    for value in (cycle, Anything(value=cycle), Anything(json=cycle)):
        with pytest.raises(DefinitionError, match="nested deeper than max_depth"):
            CODEC.encode_payload(Payload({}, [value]), Dialect.D2)


def test_list_field_is_copied_into_the_text_not_kept() -> None:
    registry = TupleRegistry()

    @tuple_type("test.Bag", registry=registry)
    class Bag(Tuple):
        items: list[str]

    bag = Bag(items=["a"])
    codec = Codec(registry)
    before = codec.encode_payload(Payload({}, [bag]), Dialect.D2)
    bag.items.append("b")
    assert '["a"]' in inflated(before.text)


def test_only_none_is_stripped_from_an_optional_type() -> None:
    assert strip_optional(int | None) is int
    assert strip_optional(int) is int
    assert strip_optional(int | str | None) == int | str | None
