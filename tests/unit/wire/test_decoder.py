"""Reading parsed JSON, and telling where it is wrong."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from django_vortex.exceptions import (
    DefinitionError,
    LimitExceeded,
    MalformedMessage,
    UnknownTupleType,
    WireError,
)
from django_vortex.tuples import Tuple, TupleField, TupleRegistry, TupleSelector, tuple_type
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from tests.unit.wire import strategies
from tests.unit.wire.strategies import Anything, Declared

CODEC = Codec(strategies.registry)


def decode(json: Any, dialect: Dialect = Dialect.D2) -> Any:
    return CODEC.decode_value(json, dialect)


def tuple_json(name: str = "test.Anything", **fields: Any) -> dict[str, Any]:
    return {"_ct": "rt", "_c": name, **fields}


@pytest.mark.parametrize(
    ("json", "text"),
    [
        ([1, {"_ft": "int", "_fd": "x"}], "Expected `int`, got 'x' - at `$[1]`"),
        ({"a": {"b c": {"_ft": "date", "_fd": 5}}}, "Expected `date`, got 5 - at `$.a['b c']`"),
        ({"_ft": "weird", "_fd": 1}, "Unknown field type 'weird'"),
        ({"_ft": "int"}, "Wrapper of 'int' has no '_fd'"),
        ({"_ct": "zz"}, "Unknown kind of object 'zz'"),
        ({"_ct": "gen", "_c": "x"}, "Unknown kind of object 'gen'"),
        ({"_ft": "list", "_fd": {}}, "Expected `list`, got {}"),
        ({"_ft": "map", "_fd": [[1]]}, "Expected `map`, got [[1]]"),
        ({"_ft": "set", "_fd": [[]]}, "Expected `set`, got [[]]"),
        (
            tuple_json(value=[{"_ft": "time", "_fd": "x"}]),
            "Expected `time`, got 'x' - at `$.value[0]`",
        ),
        (tuple_json("test.Declared", child="x"), "Expected `Anything`, got 'x' - at `$.child`"),
        (tuple_json("test.Declared", words=["a", 5]), "Expected `str`, got 5 - at `$.words[1]`"),
        ({"_ct": "rp", "tuples": {}}, "Expected `list`, got {} - at `$.tuples`"),
        ({"_ct": "rp", "filt": [1]}, "Expected `dict`, got [1] - at `$.filt`"),
        ({"_ct": "rpe", "date": "now"}, "Expected `datetime`, got 'now' - at `$.date`"),
        ({"_ct": "rpe", "data": 5}, "Expected `str`, got 5"),
    ],
)
def test_fault_is_told_with_its_path(json: Any, text: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        decode(json)
    assert str(caught.value) == text


def test_path_begins_where_the_caller_says() -> None:
    with pytest.raises(WireError) as caught:
        CODEC.decode_value([{"_ft": "int", "_fd": "x"}], Dialect.D2, "$.filt.ids")
    assert caught.value.path == "$.filt.ids[0]"


@pytest.mark.parametrize("name", ["no.such.Tuple", None, 5, ["test.Anything"], ""])
def test_only_registered_types_are_built(name: Any) -> None:
    with pytest.raises(UnknownTupleType, match="Unknown tuple type"):
        decode({"_ct": "rt", "_c": name})


def test_class_marker_goes_before_field_marker_and_null_ones_are_none() -> None:
    assert decode(tuple_json(_ft="int", _fd=5, value=1)) == Anything(value=1)
    assert decode({"_ct": None, "a": 1}) == {"_ct": None, "a": 1}
    assert decode({"_ft": None, "a": 1}) == {"_ft": None, "a": 1}
    assert decode({"_ft": "null", "_fd": "x"}) is None
    assert decode({"_ft": "int", "_fd": None}) is None


def test_keys_of_plain_objects_are_converted_and_those_of_tuples_are_not() -> None:
    assert decode({"5": {"1.5": 1}}) == {5: {1.5: 1}}
    assert decode(tuple_json(json={"5": {"_x": 1}})) == Anything(json={"5": {"_x": 1}})


def test_datetime_without_zone_is_utc_in_d0_only() -> None:
    json = {"_ft": "datetime", "_fd": "2024-01-02 03:04:05.000000"}
    naive = dt.datetime(2024, 1, 2, 3, 4, 5)
    assert decode(json, Dialect.D0) == naive.replace(tzinfo=dt.UTC)
    for dialect in (Dialect.D1, Dialect.D1B, Dialect.D2, Dialect.NATIVE):
        assert decode(json, dialect) == naive


def test_enum_field_is_rebuilt_from_the_value() -> None:
    assert decode(tuple_json("test.Declared", color="r")) == Declared(color=strategies.Color.RED)


def test_selector_that_nobody_could_compare_is_refused() -> None:
    good = {"_ct": "rt", "_c": "vortex.TupleSelector", "name": "t.A", "selector": {"a": 1}}
    assert decode(good) == TupleSelector("t.A", {"a": 1})
    bad = good | {"selector": {"a": {"_ct": "rp"}}}
    with pytest.raises(
        MalformedMessage, match=r"A selector cannot hold Payload.* - at `\$.selector`"
    ):
        decode(bad)
    with pytest.raises(MalformedMessage):
        decode({"_ft": "set", "_fd": [bad]})


EQUAL_HASHES = [i * (2**61 - 1) for i in range(101)]


@pytest.mark.parametrize(
    "json",
    [
        {str(key): None for key in EQUAL_HASHES},
        {"_ft": "set", "_fd": EQUAL_HASHES},
        {"_ft": "frozenset", "_fd": EQUAL_HASHES},
        {"_ft": "set", "_fd": [{"_ft": "bigint", "_fd": hex(key)} for key in EQUAL_HASHES]},
        {"_ft": "map", "_fd": [[key, None] for key in EQUAL_HASHES]},
        tuple_json("test.Declared", unique=EQUAL_HASHES),
    ],
)
def test_keys_that_would_take_minutes_are_refused(json: Any) -> None:
    with pytest.raises(LimitExceeded, match="keys have equal hashes"):
        decode(json)


def test_int_longer_than_python_writes_is_carried_and_told_about() -> None:
    long = {"_ft": "bigint", "_fd": "0x" + "f" * 10_000}
    value = decode(long)
    assert CODEC.encode_value(value, Dialect.NATIVE) == long
    assert decode(CODEC.encode_value({value: 1}, Dialect.NATIVE)) == {value: 1}
    assert TupleSelector("t.A", {"a": value, value: 1}) == TupleSelector(
        "t.A", {value: 1, "a": value}
    )
    with pytest.raises(MalformedMessage, match="Expected `str`, got <int>"):
        decode(tuple_json("test.Declared", text=long))
    with pytest.raises(DefinitionError, match="Cannot encode an int of 40000 bits"):
        CODEC.encode_value(value, Dialect.D2)
    assert CODEC.encode_value({value: None}, Dialect.D2) == {hex(value): None}


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(MalformedMessage, match="Expected `JSON`"):
        decode(object())


@pytest.mark.parametrize("marker", ["list", "tuple", "set", "frozenset", "map", "dict"])
def test_what_a_class_of_the_application_raises_is_not_the_peers_mistake(marker: str) -> None:
    class Broken(Tuple):
        number: int = TupleField(default_factory=lambda: int("not what came"))

    registry = TupleRegistry()
    tuple_type("test.Broken", registry=registry)(Broken)
    inner: Any = {"_ct": "rt", "_c": "test.Broken"}
    data: Any = {"a": inner} if marker == "dict" else [["a", inner]] if marker == "map" else [inner]
    with pytest.raises(ValueError, match="not what came"):
        Codec(registry).decode_value({"_ft": marker, "_fd": data}, Dialect.NATIVE)


@pytest.mark.parametrize(
    ("marker", "data"),
    [
        ("list", {}),
        ("tuple", "ab"),
        ("dict", []),
        ("set", [[1]]),
        ("set", {"a": 1}),
        ("frozenset", [{}]),
        ("map", [1]),
        ("map", [["a"]]),
        ("map", [[[], 1]]),
    ],
)
def test_what_is_no_such_container_is_the_peers_mistake(marker: str, data: Any) -> None:
    with pytest.raises(MalformedMessage, match=f"Expected `{marker}`, got"):
        decode({"_ft": marker, "_fd": data}, Dialect.NATIVE)
