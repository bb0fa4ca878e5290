"""What the codec promises about any value and any bytes."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from django_vortex.exceptions import LimitExceeded, MalformedMessage, WireError
from django_vortex.tuples import Tuple, TupleField, TupleRegistry, present_fields, tuple_type
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.limits import Limits
from django_vortex.wire.payload import Payload
from tests.unit.wire import strategies
from tests.unit.wire.strategies import Anything, Declared, nearest, nearest_key, strict

CODEC = Codec(strategies.registry)
OLD_DIALECTS = [dialect for dialect in Dialect if not dialect.is_native]


def there_and_back(value: Any, dialect: Dialect) -> Any:
    text = CODEC.encode_json(CODEC.encode_value(value, dialect), dialect)
    assert text.isascii()
    return CODEC.decode_value(CODEC.read_json(text), dialect)


def payload_there_and_back(payload: Payload, dialect: Dialect) -> Payload:
    return CODEC.decode_payload(CODEC.encode_payload(payload, dialect).text, dialect)


def encoded(source: Any) -> bytes:
    """Encode JSON that no codec of ours would write."""
    return base64.b64encode(zlib.compress(json.dumps(source).encode()))


def compact(source: Any) -> bytes:
    """Encode JSON as released clients write it, which is what compiled decoding looks for."""
    return base64.b64encode(zlib.compress(json.dumps(source, separators=(",", ":")).encode()))


@given(strategies.values)
def test_every_value_comes_back_equal_and_of_equal_type_in_the_native_dialect(value: Any) -> None:
    assert strict(there_and_back(value, Dialect.NATIVE)) == strict(value)


@given(strategies.values)
def test_native_text_is_json_that_a_browser_reads(value: Any) -> None:
    text = CODEC.encode_json(CODEC.encode_value(value, Dialect.NATIVE), Dialect.NATIVE)

    def refuse(word: str) -> None:
        raise AssertionError(word)

    json.loads(text, parse_constant=refuse)


@given(st.lists(strategies.declared | strategies.values, max_size=4))
def test_payloads_come_back_equal_in_the_native_dialect(values: list[Any]) -> None:
    payload = Payload({"key": "k"}, values)
    assert strict(payload_there_and_back(payload, Dialect.NATIVE)) == strict(payload)


@given(
    st.recursive(
        strategies.scalars.filter(lambda value: not isinstance(value, bytes)),
        lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
        max_leaves=5,
    )
)
def test_old_dialects_carry_the_nearest_value(value: Any) -> None:
    for dialect in OLD_DIALECTS:
        assert strict(there_and_back(value, dialect)) == strict(nearest(value, dialect)), dialect


@given(st.dictionaries(strategies.texts, st.booleans(), max_size=4))
def test_old_dialects_keep_every_key_that_can_be_told_apart(value: dict[str, bool]) -> None:
    expected: dict[Any, bool] = {}
    for key, item in value.items():
        expected[nearest_key(key)] = item
    for dialect in OLD_DIALECTS:
        assert strict(there_and_back(value, dialect)) == strict(expected), dialect


@given(strategies.declared)
def test_declared_types_bring_back_what_an_old_dialect_blurs(declared: Declared) -> None:
    exact = ["whole", "flag", "text", "blob", "day", "clock", "uid", "color", "words", "numbers"]
    for dialect in OLD_DIALECTS:
        (back,) = payload_there_and_back(Payload({}, [declared]), dialect).tuples
        for name in (*exact, "pair", "unique"):
            assert strict(getattr(back, name)) == strict(getattr(declared, name)), (dialect, name)
        assert back.table is None or all(type(key) is str for key in back.table)
        assert isinstance(back.price, type(declared.price)) or back.price is None


@given(st.lists(strategies.declared | strategies.values, max_size=3))
def test_a_portable_text_is_the_text_of_every_dialect_but_d0(values: list[Any]) -> None:
    payload = Payload({"key": "k"}, values)
    texts = {}
    portable = set()
    for dialect in (Dialect.D1, Dialect.D1B, Dialect.D2, Dialect.NATIVE_1):
        result = CODEC.encode_payload(payload, dialect)
        texts[dialect] = zlib.decompress(base64.b64decode(result.text))
        portable.add(result.portable)
    assert len(portable) == 1
    if portable == {True}:
        assert len(set(texts.values())) == 1


def test_plain_tuples_are_portable_and_special_values_are_not() -> None:
    assert CODEC.encode_payload(Payload({"key": "k"}, [Anything(value=1)]), Dialect.D2).portable
    assert not CODEC.encode_payload(Payload({}, [float("nan")]), Dialect.D2).portable
    assert not CODEC.encode_payload(Payload({}, [Anything(value=1)]), Dialect.D0).portable


@given(st.binary(max_size=200), st.sampled_from(Dialect))
@example(b'{"":""}', Dialect.NATIVE)
@example(b"{}", Dialect.NATIVE)
def test_random_bytes_raise_nothing_but_a_wire_error(data: bytes, dialect: Dialect) -> None:
    for text in (data, base64.b64encode(data), base64.b64encode(zlib.compress(data))):
        with pytest.raises(WireError):
            CODEC.decode_payload(text, dialect)


KEYS = st.sampled_from(
    ["_ct", "_c", "_ft", "_fd", "filt", "tuples", "date", "data", "value", "json", "whole", "day"]
)
MARKS = st.sampled_from(
    ["rt", "rp", "rpe", "gen", "test.Anything", "test.Declared", "test.Point", "x", "1"]
    + ["int", "float", "bool", "str", "null", "list", "dict", "datetime", "bytes", "wkb", "bigint"]
    + ["decimal", "date", "time", "timedelta", "uuid", "bytearray", "tuple", "set", "frozenset"]
    + ["map", "vortex.TupleSelector", "2024-01-02 03:04:05.678901+0000", "1:2:3", "0x1f"]
)
JSON_OF_MARKS = st.recursive(
    MARKS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=15,
)


@given(JSON_OF_MARKS, st.sampled_from(Dialect))
@example([{"_ft": "set", "_fd": [[]]}], Dialect.NATIVE)
@example({"_ft": "map", "_fd": [[{}, 1]]}, Dialect.NATIVE)
@example({"_ft": ["int"], "_fd": 1}, Dialect.D2)
@example({"_ct": {"a": 1}}, Dialect.D2)
@example({"_ft": "int", "_fd": "9" * 5000}, Dialect.D2)
@example({"_ft": "int", "_fd": float("inf")}, Dialect.D2)
def test_any_json_gives_a_value_or_a_wire_error(source: Any, dialect: Dialect) -> None:
    try:
        CODEC.decode_value(source, dialect)
    except WireError as error:
        assert error.path.startswith("$")
        assert "Traceback" not in str(error)


@given(st.data())
def test_mutated_messages_give_a_payload_or_a_wire_error(data: st.DataObject) -> None:
    tuples = [Anything(value=[1, {"a": 2.5}, "x"]), Declared(whole=5, words=["a"])]
    text = bytearray(CODEC.encode_json(CODEC.encode_value(tuples, Dialect.D2), Dialect.D2))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(text) - 1))
        text[place] = data.draw(st.sampled_from(b'{}[],:"01x_\\ \xff'))
    whole = b'{"_ct":"rp","filt":{},"tuples":' + bytes(text) + b"}"
    with contextlib.suppress(WireError):
        payload = CODEC.decode_payload(base64.b64encode(zlib.compress(whole)), Dialect.D2)
        assert isinstance(payload, Payload)


def test_zlib_bomb_stops_at_the_limit() -> None:
    bomb = base64.b64encode(zlib.compress(b"[" * 100_000_000, 9))
    codec = Codec(strategies.registry, Limits(inflated_bytes=1_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded, match=r"max_inflated_bytes \(1000000\)"):
            codec.decode_payload(bomb, Dialect.D2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


def test_payload_of_exactly_the_limit_is_read() -> None:
    source = b'{"_ct":"rp","tuples":[]}'
    codec = Codec(strategies.registry, Limits(inflated_bytes=len(source)))
    assert codec.decode_payload(base64.b64encode(zlib.compress(source)), Dialect.D2) == Payload()


@pytest.mark.parametrize("levels", [100, 5_000, 200_000])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("[", "]"),
        ('{"a":', "}"),
        ('{"_ft":"list","_fd":[', "]}"),
        ('[{"_ct":"rp","filt":{"a":', "}}]"),
    ],
)
def test_deep_nesting_is_a_limit_not_a_recursion_error(
    levels: int, opening: str, closing: str
) -> None:
    text = '{"_ct":"rp","tuples":[' + opening * levels + "1" + closing * levels + "]}"
    told = r"nested deeper than max_depth \(64\)|lists and objects in \d+ bytes"
    with pytest.raises(LimitExceeded, match=told):
        CODEC.decode_payload(base64.b64encode(zlib.compress(text.encode())), Dialect.D2)


def test_deep_raw_field_is_a_limit_too() -> None:
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    source = {"_ct": "rp", "tuples": [{"_ct": "rt", "_c": "test.Anything", "json": deep}]}
    with pytest.raises(LimitExceeded):
        CODEC.decode_payload(encoded(source), Dialect.D2)


def test_whatever_can_be_written_within_the_depth_can_be_read() -> None:
    value: Any = 1
    for _ in range(62):
        value = [value]
    payload = Payload({}, [value])
    assert payload_there_and_back(payload, Dialect.NATIVE) == payload


def test_too_many_tuples_are_refused() -> None:
    codec = Codec(strategies.registry, Limits(tuples=2))
    assert codec.decode_payload(encoded({"_ct": "rp", "tuples": [1, 2]}), Dialect.D2).tuples == [
        1,
        2,
    ]
    point = {"_ct": "rt", "_c": "test.Point", "x": 1, "y": 2}
    for tuples in ([1, 2, 3], [point, point, point]):
        with pytest.raises(LimitExceeded, match=r"Payload of 3 tuples exceeds max_tuples \(2\)"):
            codec.decode_payload(compact({"_ct": "rp", "tuples": tuples}), Dialect.D2)


def people() -> tuple[Codec, type[Any]]:
    registry = TupleRegistry()

    @tuple_type("acme.Person", registry=registry)
    class Person(Tuple):
        name: str
        age: int
        born = TupleField(default=1970)

    return Codec(registry), Person


def decode_tuples(codec: Codec, *tuples: Any) -> Any:
    return codec.decode_payload(encoded({"_ct": "rp", "tuples": list(tuples)}), Dialect.D2).tuples


def test_wrong_type_is_told_with_its_path() -> None:
    codec, _ = people()
    with pytest.raises(MalformedMessage) as caught:
        decode_tuples(codec, {"_ct": "rt", "_c": "acme.Person", "age": "forty"})
    assert str(caught.value) == "Expected `int`, got 'forty' - at `$.tuples[0].age`"


def test_unknown_tuple_is_told_with_its_path_and_the_log_what_to_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    codec, _ = people()
    known = {"_ct": "rt", "_c": "acme.Person"}
    with pytest.raises(WireError) as caught:
        decode_tuples(codec, known, known, {"_ct": "rt", "_c": "acme.Pet"})
    assert str(caught.value) == "Unknown tuple type 'acme.Pet' - at `$.tuples[2]`"
    assert "decorate its class with @tuple_type and import its module in vortex.py" in caplog.text


def test_only_declared_fields_are_set_and_missing_ones_keep_their_defaults() -> None:
    codec, person = people()
    (partial,) = decode_tuples(
        codec, {"_ct": "rt", "_c": "acme.Person", "name": "Ann", "evil": 1, "__class__": "x"}
    )
    assert partial == person(name="Ann")
    assert not hasattr(partial, "evil")
    assert present_fields(partial, registry=codec.registry) == {"name"}


def test_complete_and_own_instances_count_as_having_every_field() -> None:
    codec, person = people()
    (complete,) = decode_tuples(
        codec, {"_ct": "rt", "_c": "acme.Person", "name": None, "age": 5, "born": 3, "x": 1}
    )
    for instance in (complete, person(name="Ann")):
        assert present_fields(instance, registry=codec.registry) == {"name", "age", "born"}


def test_tuples_may_be_any_iterable_and_are_read_once() -> None:
    def rows() -> Any:
        yield from (Anything(value=1), "text", float("nan"))

    decoded = payload_there_and_back(Payload({}, rows()), Dialect.NATIVE)
    assert strict(decoded.tuples) == strict([Anything(value=1), "text", float("nan")])


def test_own_date_of_a_payload_wins() -> None:
    early, late = dt.datetime(2024, 1, 1), dt.datetime(2025, 1, 1)
    for payload, date in ((Payload(), late), (Payload(date=early), early)):
        text = CODEC.encode_payload(payload, Dialect.NATIVE, late).text
        assert CODEC.decode_payload(text, Dialect.NATIVE).date == date


@pytest.mark.parametrize(
    "source",
    [
        5,
        [],
        {},
        {"_ct": "rpe"},
        {"_ct": "rp", "tuples": 5},
        {"_ct": "rp", "filt": []},
        {"_ct": "rp", "date": "x"},
    ],
)
def test_what_is_no_payload_is_refused(source: Any) -> None:
    with pytest.raises(MalformedMessage):
        CODEC.decode_payload(encoded(source), Dialect.D2)


@pytest.mark.parametrize("dialect", Dialect)
def test_payload_of_very_many_empty_lists_is_refused_before_it_is_parsed(dialect: Dialect) -> None:
    codec = Codec(limits=Limits(tuples=10))
    containers = codec.limits.get_containers(None)
    text = encoded({"_ct": "rp", "filt": {}, "tuples": [[[]] * containers]})
    with pytest.raises(LimitExceeded, match="lists and objects"):
        codec.decode_payload(text, dialect)


@pytest.mark.parametrize(
    "tuples",
    [f"[{','.join(['[]'] * 900_000)}]", ",".join(["{}"] * 95_000), f'"{"x" * 15_000_000}"'],
    ids=["lists", "objects", "text"],
)
@pytest.mark.parametrize("dialect", Dialect)
def test_few_bytes_hold_no_more_than_is_in_proportion(tuples: str, dialect: Dialect) -> None:
    source = f'{{"_ct":"rp","filt":{{}},"tuples":[{tuples}],"date":null}}'
    text = base64.b64encode(zlib.compress(source.encode(), 9))
    with pytest.raises(LimitExceeded, match=r"\d+ (lists and objects in \d+ bytes|times its size)"):
        CODEC.decode_payload(text, dialect)
    # What this process has made itself of objects may be opened as before.
    CODEC.decode_payload(text, dialect, is_foreign=False)


@pytest.mark.parametrize("rows", [2000, 3376, 50_000])
@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.D2, Dialect.D1])
def test_equal_rows_are_in_proportion_however_well_they_compress(
    rows: int, dialect: Dialect
) -> None:
    row = Declared(
        whole=7, text="Chapel", moment=dt.datetime(2026, 1, 2, tzinfo=dt.UTC), words=["a", "b"]
    )
    text = CODEC.encode_payload(Payload(tuples=[row] * rows), dialect).text
    plain = zlib.decompress(base64.b64decode(text))
    for again in (text, base64.b64encode(zlib.compress(plain, 9))):
        if len(plain) <= CODEC.limits.inflated_bytes:
            assert len(CODEC.decode_payload(again, dialect).tuples) == rows


def test_as_many_tuples_as_allowed_may_have_wrapped_fields() -> None:
    codec = Codec(limits=Limits(tuples=200))
    wrapped = {"_ft": "int", "_fd": 1}
    text = encoded({"_ct": "rp", "filt": {}, "tuples": [{"a": [wrapped] * 7, "b": wrapped}] * 200})
    assert len(codec.decode_payload(text, Dialect.D2).tuples) == 200
