"""Compiled decoding gives what the general decoder gives, for any message."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.exceptions import WireError
from django_vortex.tuples import (
    Construction,
    FieldSpec,
    Tuple,
    TupleField,
    TupleRegistry,
    present_fields,
    tuple_type,
)
from django_vortex.wire.codec import Codec
from django_vortex.wire.decode_plans import get_type_name, has_plan
from django_vortex.wire.decoder import ValueDecoder
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.limits import Limits
from django_vortex.wire.quick_decoding import QuickDecoding
from tests.unit.wire import strategies
from tests.unit.wire.strategies import Anything, Declared, Point, strict

CODEC = Codec(strategies.registry)
COMPILED = [dialect for dialect in Dialect if dialect is not Dialect.D0]


def read_in_general(codec: Codec, text: bytes, dialect: Dialect) -> Any:
    try:
        return strict(codec.decode_payload_object(codec.read_json(text), dialect))
    except WireError as error:
        return str(error)


def read_compiled(codec: Codec, text: bytes, dialect: Dialect) -> Any:
    try:
        return strict(codec.decode_payload(base64.b64encode(zlib.compress(text)), dialect))
    except WireError as error:
        return str(error)


def read_quickly(registry: TupleRegistry, text: bytes) -> Any:
    """Return what the plan alone makes of a text: None when it gives up."""
    decoder = ValueDecoder(registry, Dialect.D2, 64)
    return QuickDecoding(registry).decode(text, decoder, Limits(), None)


def message(*tuples: Any) -> bytes:
    return json.dumps({"_ct": "rp", "tuples": tuples}, separators=(",", ":")).encode()


@given(
    tuples=st.lists(strategies.declared, min_size=1, max_size=3)
    | st.lists(st.builds(Anything, value=strategies.values), min_size=1, max_size=3)
    | st.lists(strategies.points, min_size=1, max_size=3)
    | st.lists(strategies.declared | strategies.points | strategies.scalars, min_size=1, max_size=3)
)
def test_plan_and_general_decoder_agree_on_whole_messages(tuples: list[Any]) -> None:
    for dialect in COMPILED:
        encoded = CODEC.encode_value(tuples, dialect)
        source = {"_ct": "rp", "filt": {"key": "k"}, "tuples": encoded}
        text = CODEC.encode_json(source, dialect)
        assert read_compiled(CODEC, text, dialect) == read_in_general(CODEC, text, dialect), dialect


ODD_VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**60, 2**70)
    | st.floats()
    | st.text(max_size=3)
    | st.lists(st.none() | st.integers() | st.text(max_size=2), max_size=3)
    | st.sampled_from(
        [
            {"_ft": "int", "_fd": 5},
            {"_ft": "int", "_fd": "5"},
            {"_ft": "int", "_fd": 5.5},
            {"_ft": "int", "_fd": None},
            {"_ft": "int"},
            {"_ft": "datetime", "_fd": "2024-01-02 03:04:05.678901"},
            {"_ft": "datetime", "_fd": "2024-01-02 03:04:05.678901+095905"},
            {"_ft": "datetime", "_fd": "2024-01-02"},
            {"_ft": "datetime", "_fd": 5},
            {"_ft": "date", "_fd": "2024-01-02"},
            {"_ct": "rt", "_c": "test.Anything"},
            {"_ct": "rt", "_c": "test.Unknown"},
            {"_ct": "rp", "tuples": [1]},
            {"a": {"b": 1}},
            ["\ud800"],
        ]
    )
)


@given(st.data())
def test_plan_and_general_decoder_agree_on_odd_messages(data: st.DataObject) -> None:
    template = data.draw(st.sampled_from([Declared(whole=5), Anything(), Point(1, 2)]))
    source = CODEC.encode_value([template, template], Dialect.D2)
    for _ in range(data.draw(st.integers(1, 4))):
        target = data.draw(st.sampled_from(source))
        name = data.draw(st.sampled_from([*target, "unknown"]))
        if data.draw(st.booleans()):
            target[name] = data.draw(ODD_VALUES)
        else:
            target.pop(name, None)
    text = message(*source)
    assert read_compiled(CODEC, text, Dialect.D2) == read_in_general(CODEC, text, Dialect.D2)


def test_complete_messages_take_the_plan() -> None:
    whole = Declared(whole=5, real=1.5, words=["a"], child=Anything(value=[1]))
    for tuples in ([whole, whole], [Point(1, 2)], [Anything(value={"a": 1}, json={"_x": 1})]):
        text = message(*CODEC.encode_value(tuples, Dialect.D2))
        payload = read_quickly(strategies.registry, text)
        assert payload is not None
        assert strict(payload.tuples) == strict(tuples)


def test_plain_numbers_of_a_browser_take_the_plan() -> None:
    payload = read_quickly(
        strategies.registry, message({"_ct": "rt", "_c": "test.Point", "x": 1, "y": 2})
    )
    assert payload.tuples == [Point(1, 2)]


@pytest.mark.parametrize(
    "text",
    [
        message({"_ct": "rt", "_c": "test.Point", "x": 1}),
        message({"_ct": "rt", "_c": "test.Point", "x": "1", "y": 2}),
        message({"_ct": "rt", "_c": "test.Unknown", "x": 1}),
        message({"_ct": "rt", "_c": "test.Point", "x": 1, "y": 1}, 5),
        message({"_ct": "rp", "_c": "test.Point", "x": 1, "y": 1}),
        message(),
        b'{"_ct":"rpe","tuples":[{"_ct":"rt","_c":"test.Point","x":1,"y":1}]}',
        b"not json",
    ],
)
def test_plan_gives_up_on_anything_else(text: bytes) -> None:
    assert read_quickly(strategies.registry, text) is None


def test_plan_builds_what_is_not_plain_through_its_adapter() -> None:
    class Row:
        def __init__(self) -> None:
            raise AssertionError("not with the data of a peer")

    class RowAdapter:
        takes_subclasses = True
        needs_fields = False

        def list_names(self, cls: type) -> list[str]:
            return ["id", "name"]

        def find_fields(self, cls: type) -> list[FieldSpec]:
            return [FieldSpec("id", int), FieldSpec("name", str)]

        def get_construction(self, cls: type, fields: Any) -> Construction:
            def build(values: Any) -> Any:
                row = Row.__new__(Row)
                row.__dict__["values"] = dict(values)
                return row

            return Construction(build)

    registry = TupleRegistry()
    registry.add_adapter(f"{Row.__module__}.{Row.__qualname__}", RowAdapter())
    registry.add("test.Row", Row)
    complete = {"_ct": "rt", "_c": "test.Row", "id": {"_ft": "int", "_fd": 7}, "name": "x"}
    (row,) = read_quickly(registry, message(complete)).tuples
    assert row.values == {"id": 7, "name": "x"}

    del complete["name"]
    text = base64.b64encode(zlib.compress(message(complete)))
    (row,) = Codec(registry).decode_payload(text, Dialect.D2).tuples
    assert row.values == {"id": 7}
    assert present_fields(row, registry=registry) == {"id"}


def test_plan_follows_a_new_registration_of_the_name() -> None:
    registry = TupleRegistry()
    codec = Codec(registry)
    text = message({"_ct": "rt", "_c": "test.Pet", "name": "x", "age": 5})

    def define(*names: str) -> None:
        namespace = {"__qualname__": "Pet", **{name: TupleField() for name in names}}
        tuple_type("test.Pet", registry=registry)(type("Pet", (Tuple,), namespace))

    for names in (["name"], ["name", "age"]):
        define(*names)
        (pet,) = codec.decode_payload(base64.b64encode(zlib.compress(text)), Dialect.D2).tuples
        assert list(vars(pet)) == names


def test_names_that_are_no_source_text_have_no_plan() -> None:
    registry = TupleRegistry()
    cls = dataclasses.make_dataclass("Odd", [("fine", int)])
    assert has_plan(registry.add("test.Odd", cls))
    odd = type("Odd", (Tuple,), {"class": TupleField(int)})
    assert not has_plan(registry.add("test.Odd2", odd))
    text = base64.b64encode(zlib.compress(message({"_ct": "rt", "_c": "test.Odd2", "class": 5})))
    codec = Codec(registry)
    (instance,) = codec.decode_payload(text, Dialect.D2).tuples
    assert getattr(instance, "class") == 5
    again = codec.encode_payload(codec.decode_payload(text, Dialect.D2), Dialect.D2)
    assert codec.decode_payload(again.text, Dialect.D2).tuples == [instance]


def test_d0_reads_datetimes_without_zone_as_utc_in_every_field() -> None:
    moment = {"_ft": "datetime", "_fd": "2024-01-02 03:04:05.678901"}
    whole = CODEC.encode_value(Declared(), Dialect.D0) | {"moment": moment}
    text = base64.b64encode(zlib.compress(message(whole)))
    (instance,) = CODEC.decode_payload(text, Dialect.D0).tuples
    assert instance.moment == dt.datetime(2024, 1, 2, 3, 4, 5, 678901, dt.UTC)


def test_type_name_is_found_in_front_only() -> None:
    first = b'"tuples":[{"_ct":"rt","_c":"a.B"'
    assert get_type_name(first) == "a.B"
    assert get_type_name(b" " * 5000 + first) is None
    assert get_type_name(b'{"tuples":[5]}') is None
