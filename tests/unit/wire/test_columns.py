"""Tuples in columns are the tuples that they would be in rows, whatever is in them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from django_vortex.exceptions import LimitExceeded, MalformedMessage, UnencodableValue, WireError
from django_vortex.tuples import GenericTuple, Tuple, TupleRegistry, tuple_type
from django_vortex.tuples.presence import present_fields, unknown_fields
from django_vortex.typedefs import Json
from django_vortex.wire.codec import Codec
from django_vortex.wire.columns import COLUMNS_MARKER, expand_columns, fold_rows
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.limits import CONTAINERS_PER_BYTE, FREE_CONTAINERS, Limits
from django_vortex.wire.payload import Payload
from tests.unit.wire import strategies
from tests.unit.wire.strategies import Anything, Declared, Point, registry, strict

CODEC = Codec(registry)
CLIENT = Codec(TupleRegistry(), reads_unknown_tuples=True)
NATIVE = Dialect.NATIVE
LIMITS = Limits()


def write(tuples: list[Any], dialect: Dialect = NATIVE, codec: Codec = CODEC) -> bytes:
    json_text = codec.encode_payload(Payload({}, tuples), dialect).json
    assert json_text is not None
    return json_text


def parse(tuples: list[Any], codec: Codec = CODEC) -> list[Any]:
    parsed: list[Any] = json.loads(write(tuples, codec=codec))["tuples"]
    return parsed


def read(text: bytes | str, codec: Codec = CODEC, dialect: Dialect = NATIVE) -> list[Any]:
    data = text.encode() if isinstance(text, str) else text
    decoded: list[Any] = codec.decode_inflated(data, dialect).tuples
    return decoded


def outcome(text: bytes, codec: Codec = CODEC, dialect: Dialect = NATIVE) -> Any:
    try:
        return strict(read(text, codec, dialect))
    except WireError as error:
        # What came is quoted in the order of its sets, which NaN makes another one each time.
        return type(error), error.text.partition(", got ")[0], error.path


def block(name: str = "test.Point", **columns: Any) -> dict[str, Json]:
    fields, values = list(columns), list(columns.values())
    return {"_ct": COLUMNS_MARKER, "_c": name, "fields": fields, "columns": values}


def message(*tuples: Json) -> bytes:
    return json.dumps({"tuples": list(tuples)}, separators=(",", ":")).encode()


runs = st.one_of(
    st.lists(strategies.declared, max_size=4),
    st.lists(st.builds(Anything, value=strategies.values, json=strategies.plain_json), max_size=4),
    st.lists(strategies.points, max_size=4),
    st.lists(st.builds(Declared, whole=strategies.values, text=strategies.values), max_size=4),
    st.lists(strategies.values, max_size=3),
)


@given(st.lists(runs, max_size=3))
@example([[Anything(value=float("nan")), Anything(value=float("inf"))]])
@example([[Anything(value=1), Anything(value=True), Anything(value=1.0), Anything(value=None)]])
@example([[Declared(whole=2**53), Declared(whole=2**53 + 1)]])
@example([[Declared(words=["a"]), Declared(words=("a",)), Declared(words=["\ud800"])]])
@example([[Declared(moment=dt.datetime(1800, 1, 2, tzinfo=ZoneInfo("Europe/Rome")))] * 2])
@example([[Declared(moment="2024-01-02T03:04:05"), Declared(day="2024-01-02")]])
@example([[Declared(price=decimal.Decimal("sNaN")), Declared(price=None)]])
@example([[Declared(moment=dt.datetime(1, 1, 1)), Declared(moment=dt.datetime.max)]])
def test_columns_and_rows_are_the_same_to_a_reader(groups: list[list[Any]]) -> None:
    tuples = [one for group in groups for one in group]
    columns, rows = write(tuples), write(tuples, Dialect.NATIVE_1)
    assert outcome(columns) == outcome(rows, dialect=Dialect.NATIVE_1)
    assert outcome(columns, CLIENT) == outcome(rows, CLIENT, Dialect.NATIVE_1)


@given(st.lists(runs, max_size=3))
def test_folding_loses_nothing(groups: list[list[Any]]) -> None:
    tuples = [one for group in groups for one in group]
    rows = json.loads(write(tuples, Dialect.NATIVE_1))["tuples"]
    folded = fold_rows(rows)
    assert outcome(message(*folded)) == outcome(message(*rows))
    assert len(folded) <= len(rows)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_two_tuples_of_a_type_or_more_are_columns(count: int) -> None:
    parsed = parse([Point(x, y=0) for x in range(count)])
    if count < 2:
        assert [one["_ct"] for one in parsed] == ["rt"] * count
    else:
        assert parsed == [block(x=list(range(count)), y=[0] * count)]


@dataclasses.dataclass(frozen=True)
class Sub(Point):
    """Registered under a name of its own."""


tuple_type("test.Sub", registry=registry)(Sub)


def test_only_neighbours_of_one_type_share_columns() -> None:
    tuples = [Point(1), Point(2), "x", Point(3), Sub(4), Sub(5), None, None, {"_ct": "rts"}]
    parsed = parse(tuples)
    assert [one["_ct"] if isinstance(one, dict) and "_ct" in one else None for one in parsed] == [
        *["rts", None, "rt", "rts", None, None, None]
    ]
    back = read(write(tuples))
    assert back == tuples
    assert list(map(type, back)) == list(map(type, tuples))


class Shade(enum.Enum):
    DARK = "d"


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ([1, None], [1, None]),
        ([None, None], [None, None]),
        (["a", True], ["a", True]),
        ([1, "a"], [{"_ft": "int", "_fd": 1}, "a"]),
        ([2**60, None], {"_ft": "bigint", "_fd": [hex(2**60), None]}),
        ([1, 2**60], [{"_ft": "int", "_fd": 1}, {"_ft": "bigint", "_fd": hex(2**60)}]),
        ([1.5, float("nan")], [1.5, {"_ft": "float", "_fd": "nan"}]),
        (
            [dt.datetime(2024, 1, 2, tzinfo=dt.UTC), None],
            {"_ft": "datetime", "_fd": ["2024-01-02T00:00:00Z", None]},
        ),
        ([decimal.Decimal("1.50"), None], {"_ft": "decimal", "_fd": ["1.50", None]}),
        ([uuid.UUID(int=1)] * 2, {"_ft": "uuid", "_fd": [str(uuid.UUID(int=1))] * 2}),
        ([b"\0", bytearray(b"\0")], [{"_ft": k, "_fd": "AA=="} for k in ("bytes", "bytearray")]),
        ([Shade.DARK, "d"], ["d", "d"]),
    ],
)
def test_field_type_of_a_column_stands_there_once(values: list[Any], column: Json) -> None:
    (parsed,) = parse([Anything(value=value, json=0) for value in values])
    expected = column
    if isinstance(column, list):  # where a wrapper stands around each value
        expanded = expand_columns([parsed], LIMITS, None)
        assert [one["value"] for one in expanded] == expected
    else:
        assert parsed == block("test.Anything", value=expected, json=[0, 0])


@tuple_type("test.Empty", registry=registry)
class Empty(Tuple):
    """Has nothing to make columns of."""


def test_tuples_without_fields_are_rows() -> None:
    assert parse([Empty(), Empty()]) == [{"_ct": "rt", "_c": "test.Empty"}] * 2
    assert read(write([Empty(), Empty()])) == [Empty(), Empty()]


def test_fields_that_are_not_there_stay_absent() -> None:
    anything = block("test.Anything", json=[1, 2])
    for one in read(message(anything)):
        assert present_fields(one, registry=registry) == {"json"}
    first, second = (GenericTuple("no.Such", {"a": 1}), GenericTuple("no.Such", {"a": 2}))
    other = GenericTuple("no.Such", {"a": 3, "b": None})
    tuples = [first, second, other, other]
    assert parse(tuples, CLIENT) == [
        block("no.Such", a=[1, 2]),
        block("no.Such", a=[3, 3], b=[None, None]),
    ]
    assert read(write(tuples, codec=CLIENT), CLIENT) == tuples


def test_fields_that_are_not_declared_are_noted_where_rows_note_them() -> None:
    rows = [{"_ct": "rt", "_c": "test.Anything", "json": n, "x": n} for n in (1, 2)]
    in_rows, in_columns = read(message(*rows)), read(message(*fold_rows(rows)))
    assert in_rows == in_columns
    assert list(map(unknown_fields, in_rows)) == list(map(unknown_fields, in_columns))


def test_unknown_type_is_told_with_its_place() -> None:
    text = message("x", block("no.Such", a=[1, 2]))
    with pytest.raises(WireError) as caught:
        read(text)
    assert caught.value.path == "$.tuples[1]"
    assert read(text, CLIENT)[1] == GenericTuple("no.Such", {"a": 1})


def test_place_of_a_wrong_value_is_that_of_its_tuple() -> None:
    with pytest.raises(MalformedMessage) as caught:
        read(message(block(x=[1, 2, "three"], y=[0, 0, 0])))
    assert caught.value.path == "$.tuples[2].x"


def test_place_of_a_value_that_cannot_travel_is_that_of_its_tuple() -> None:
    tuples = [Anything(value=0), *(Anything(value=one) for one in (1, {"a": [object()]}))]
    with pytest.raises(UnencodableValue) as caught:
        write(["x", *tuples])
    assert caught.value.path == "$.tuples[3].value.a[0]"


def test_raw_fields_are_plain_json_in_columns_too() -> None:
    with pytest.raises(UnencodableValue) as caught:
        write([Anything(json=1), Anything(json=(1,))])
    assert caught.value.path == "$.tuples[1].json"
    assert read(write([Anything(json={"_ft": 1}), Anything(json=[{}])]))[0].json == {"_ft": 1}


@pytest.mark.parametrize(
    ("columns", "path", "text"),
    [
        (block(x=[1, 2], y=[1]), ".columns[1]", "Expected 2 values as in the first column, got 1"),
        (block(x=[1], y={"_ft": "int", "_fd": [1, 2]}), ".columns[1]", "Expected 1 values as in"),
        (block(x=[1], y=3), ".columns[1]", "Expected a list of values, got 3"),
        (block(x={"_ft": "int", "_fd": 3}), ".columns[0]", "Expected a list of values"),
        (block(x={"_fd": [3]}), ".columns[0]", "Expected a list of values"),
        ({**block(x=[1]), "fields": ["x", "y"]}, ".columns", "Expected 2 columns"),
        ({**block(x=[1]), "fields": ["x", "x"], "columns": [[1], [1]]}, ".fields", "different"),
        ({**block(x=[1]), "fields": ["_c"]}, ".fields", "Expected different names"),
        ({**block(x=[1]), "fields": [1]}, ".fields", "Expected a list of names"),
        ({**block(x=[1]), "fields": {}}, ".fields", "Expected a list of names"),
        ({**block(), "columns": []}, ".fields", "Expected different names"),
        ({**block(x=[1]), "columns": None}, ".columns", "Expected 1 columns"),
    ],
)
def test_columns_that_are_none_are_refused_with_their_place(
    columns: Json, path: str, text: str
) -> None:
    with pytest.raises(MalformedMessage) as caught:
        read(message("x", columns))
    assert caught.value.path == f"$.tuples[1]{path}"
    assert text in caught.value.text


def test_columns_of_nothing_are_no_tuples() -> None:
    assert read(message(block(x=[], y=[]))) == []


@pytest.mark.parametrize("dialect", [one for one in Dialect if not one.has_columns])
def test_columns_are_for_dialects_that_have_them(dialect: Dialect) -> None:
    text = json.dumps({"_ct": "rp", "tuples": [block(x=[1, 2], y=[1, 2])]}).encode()
    with pytest.raises(MalformedMessage, match="Unknown kind of object 'rts'"):
        read(text, dialect=dialect)


def test_columns_stand_in_the_list_of_tuples_alone() -> None:
    text = message([block(x=[1, 2], y=[1, 2])])
    with pytest.raises(MalformedMessage, match="Unknown kind of object 'rts'"):
        read(text)


@pytest.mark.parametrize("tuples", [1, 2, 3])
def test_columns_are_counted_as_tuples(tuples: int) -> None:
    codec = Codec(registry, Limits(tuples=tuples))
    for text in (message(block(x=[1, 2, 3], y=[1, 2, 3])), message(block(x=[1, 2, 3]))):
        if tuples == 3:
            assert len(read(text, codec)) == 3
        else:
            with pytest.raises(LimitExceeded, match="exceeds max_tuples"):
                read(text, codec)


@pytest.mark.parametrize("is_wrapped", [True, False])
@pytest.mark.parametrize("name", ["test.Point", "test.Anything"])
def test_columns_hold_no_more_than_rows_in_as_many_bytes_could(name: str, is_wrapped: bool) -> None:
    arrived = 10
    allowed = (FREE_CONTAINERS + CONTAINERS_PER_BYTE * arrived) // (2 if is_wrapped else 1)
    field = "x" if name == "test.Point" else "value"
    for count in (allowed, allowed + 1):
        values: Any = ["0"] * count if is_wrapped else [0] * count
        column = {"_ft": "int", "_fd": values} if is_wrapped else values
        text = message(block(name, **{field: column}))
        if count == allowed:
            assert len(CODEC.decode_inflated(text, NATIVE, arrived).tuples) == count
        else:
            with pytest.raises(LimitExceeded, match="Columns hold more than"):
                CODEC.decode_inflated(text, NATIVE, arrived)


def nested(levels: int) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("levels", range(1, 9))
def test_columns_may_be_as_deep_as_rows(levels: int) -> None:
    codec = Codec(registry, Limits(depth=8))
    tuples = [Anything(value=nested(levels)) for _ in range(2)]
    rows = write(tuples, Dialect.NATIVE_1)
    assert outcome(write(tuples), codec) == outcome(rows, codec, Dialect.NATIVE_1)
    outcomes = []
    for dialect in (NATIVE, Dialect.NATIVE_1):
        try:
            outcomes.append(read(write(tuples, dialect, codec), codec, dialect) == tuples)
        except UnencodableValue as error:
            outcomes.append((error.text, error.path))
    assert outcomes[0] == outcomes[1]


def test_general_reader_and_plan_make_the_same() -> None:
    tuples = [Declared(whole=n, text=str(n), day=dt.date(2024, 1, n)) for n in (1, 2, 3)]
    text = write(tuples)
    general = CODEC.decode_payload_object(
        {"tuples": expand_columns(json.loads(text)["tuples"], LIMITS, None)}, NATIVE
    )
    assert strict(general.tuples) == strict(read(text)) == strict(tuples)


class Keyword(Tuple):
    """Has a field whose name cannot stand in source text."""

    __annotations__ = {"class": int, "plain": int}


tuple_type("test.Keyword", registry=registry)(Keyword)


def test_names_that_source_text_cannot_have_are_columns_too() -> None:
    tuples = [Keyword(**{"class": n, "plain": n}) for n in (1, 2)]
    assert parse(tuples) == [block("test.Keyword", **{"class": [1, 2], "plain": [1, 2]})]
    assert read(write(tuples)) == tuples
