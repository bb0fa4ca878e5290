"""Values that can travel, for property tests, and what is left of them in the old dialects."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import uuid
from typing import Any

from hypothesis import strategies as st

from django_vortex.tuples import (
    GenericTuple,
    Tuple,
    TupleField,
    TupleRegistry,
    TupleSelector,
    tuple_type,
)
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.keys import read_key
from django_vortex.wire.payload import Payload

registry = TupleRegistry()


class Color(enum.Enum):
    RED = "r"
    BLUE = 2


@tuple_type("test.Anything", registry=registry)
class Anything(Tuple):
    """Takes any value in its first field and plain JSON in its second."""

    value = TupleField()
    json = TupleField(raw=True)


@tuple_type("test.Declared", registry=registry)
class Declared(Tuple):
    """Has a field of every kind that is checked."""

    whole: int
    real: float
    flag: bool
    text: str
    blob: bytes
    price: decimal.Decimal
    moment: dt.datetime
    day: dt.date
    clock: dt.time
    span: dt.timedelta
    uid: uuid.UUID
    color: Color | None
    words: list[str]
    numbers: list[int]
    pair: tuple[int, str]
    unique: set[int]
    table: dict[str, int]
    child: Anything
    either: int | str
    payload: Payload
    selector: TupleSelector


@tuple_type("test.Point", registry=registry)
@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0


naive_moments = st.datetimes()
zones = st.integers(-86399, 86399).map(lambda seconds: dt.timezone(dt.timedelta(seconds=seconds)))
"""Whole seconds: `datetime` itself drops an offset of less than one when it reads its own text."""
moments = st.datetimes(timezones=st.none() | zones)
ints = st.integers() | st.integers(-(2**80), 2**80) | st.sampled_from([0, 1, 2**53, 2**53 + 1])
texts = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["", "1", "1.5", "nan", "_ct", "_ft", "_fd", "_x", "é", "\ud800", "Infinity", " 7 "]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    ints,
    st.floats(),
    st.sampled_from([-0.0, 5.0, 1e22]),
    st.decimals(),
    texts,
    st.binary(),
    moments,
    st.dates(),
    st.times(timezones=st.none() | zones),
    st.timedeltas(),
    st.uuids(),
)
points = st.builds(Point, x=ints, y=ints)
hashables = st.recursive(
    scalars.filter(lambda value: not (isinstance(value, decimal.Decimal) and value.is_snan()))
    | points,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
plain_json = st.recursive(
    st.none() | st.booleans() | ints | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
selectors = st.builds(
    TupleSelector,
    texts,
    st.dictionaries(texts, scalars | st.lists(scalars, max_size=2), max_size=3),
)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Put values into everything that can hold some."""
    filts = st.dictionaries(texts, inner, max_size=2)
    payloads = st.builds(Payload, filts, st.lists(inner, max_size=2), st.none() | moments)
    return st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(hashables, inner, max_size=3),
        st.builds(Anything, value=inner, json=plain_json),
        payloads,
        st.builds(
            PayloadEnvelope,
            filts,
            st.none() | payloads,
            result=inner,
            date=st.none() | moments,
        ),
    )


values = st.recursive(
    scalars
    | hashables
    | selectors
    | st.binary().map(bytearray)
    | st.sets(hashables, max_size=3)
    | st.frozensets(hashables, max_size=3),
    containers,
    max_leaves=8,
)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Allow None, as every whole field does."""
    return st.none() | strategy


declared = st.builds(
    Declared,
    whole=optional(ints),
    real=optional(st.floats()),
    flag=optional(st.booleans()),
    text=optional(texts),
    blob=optional(st.binary()),
    price=optional(st.decimals()),
    moment=optional(moments),
    day=optional(st.dates()),
    clock=optional(st.times(timezones=st.none() | zones)),
    span=optional(st.timedeltas()),
    uid=optional(st.uuids()),
    color=optional(st.sampled_from(Color)),
    words=optional(st.lists(texts, max_size=3)),
    numbers=optional(st.lists(ints, max_size=3)),
    pair=optional(st.tuples(ints, texts)),
    unique=optional(st.sets(ints, max_size=3)),
    table=optional(st.dictionaries(texts, ints, max_size=3)),
    child=optional(st.builds(Anything, value=scalars)),
    either=optional(ints | texts),
    payload=optional(st.builds(Payload, st.just({"key": "k"}), st.lists(scalars, max_size=2))),
    selector=optional(selectors),
)


def strict(value: Any) -> Any:
    """Return a form of a value that differs whenever type or content does, and knows NaN."""
    kind = type(value).__name__
    if isinstance(value, dt.datetime | dt.time):
        return [kind, value.isoformat()]
    if isinstance(value, set | frozenset):
        return [kind, sorted(map(repr, map(strict, value)))]
    if isinstance(value, list | tuple):
        return [kind, [strict(item) for item in value]]
    if isinstance(value, dict):
        return [kind, [[strict(key), strict(item)] for key, item in value.items()]]
    if isinstance(value, Point):
        return [kind, value.x, value.y]
    if isinstance(value, Tuple):
        return [kind, [strict(getattr(value, name)) for name in value.__tuple_fields__]]
    if isinstance(value, GenericTuple):
        return [kind, value.type_name, strict(value.fields)]
    if isinstance(value, Payload):
        return [kind, *map(strict, (value.filt, list(value.tuples), value.date))]
    if isinstance(value, PayloadEnvelope):
        return [kind, *map(strict, (value.filt, value._body, value.result, value.date))]
    return [kind, repr(value)]


def nearest(value: Any, dialect: Dialect) -> Any:
    """Return what a peer of an old dialect, reading as we do, gets for a value.

    This is the table of ``django_vortex.wire.encoder`` said once more, the other way round.
    """
    if isinstance(value, enum.Enum):
        return nearest(value.value, dialect)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        is_number = value - value == 0
        return value if is_number or dialect is not Dialect.D1 else None
    if isinstance(value, decimal.Decimal):
        return nearest(float("nan") if value.is_nan() else float(value), dialect)
    if isinstance(value, dt.datetime):
        return nearest_moment(value, dialect)
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    if isinstance(value, dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, uuid.UUID):
        return str(value)
    assert isinstance(value, list | tuple | set | frozenset), value
    return [nearest(item, dialect) for item in value]


def nearest_moment(value: dt.datetime, dialect: Dialect) -> dt.datetime:
    if value.tzinfo is None:
        return value.replace(tzinfo=dt.UTC)
    offset = value.utcoffset()
    assert offset is not None
    has_seconds = bool(offset % dt.timedelta(minutes=1))
    if dialect is Dialect.D0 or (dialect is Dialect.D1 and has_seconds):
        try:
            return value.astimezone(dt.UTC)
        except OverflowError:
            return value.replace(tzinfo=dt.UTC)
    return value


def nearest_key(key: Any) -> Any:
    """Return what becomes of a text as the key of a dict."""
    return read_key(f"_{key}" if key in ("_ct", "_ft") else key)


wrapper_names = st.sampled_from(
    [
        *("int", "float", "bool", "str", "datetime", "bytes", "wkb", "bigint", "decimal", "date"),
        *("time", "timedelta", "uuid", "bytearray", "list", "dict", "tuple", "set", "frozenset"),
        *("map", "null"),
    ]
)
odd_texts = texts | st.sampled_from(
    [
        *("sNaN", "NaN", "-Infinity", "1e999999", "0x" + "f" * 9000, "1" * 4000, "1" * 4300),
        *("1:2:3", "999999999:0:0", "2024-01-02", "0001-01-01 00:00:00+2359", "12:00"),
        *("9999-12-31T23:59:59.999999-2359", "12:00:00+23:59:59", "AAAA", "!!!"),
    ]
)
json_leaves = st.none() | st.booleans() | ints | st.floats() | odd_texts


def json_containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Put JSON into everything that a peer can write, sound or not."""
    objects = st.dictionaries(odd_texts, inner, max_size=2)
    lists = st.lists(inner, max_size=3)
    pairs = st.lists(st.tuples(inner, inner).map(list), max_size=2)
    envelope: dict[str, Any] = {"_ct": st.just("rpe"), "filt": objects, "result": inner}
    kinds: list[dict[str, Any]] = [
        {"_ft": wrapper_names, "_fd": inner},
        {"_ft": st.just("map"), "_fd": pairs},
        {"_ct": st.just("rp"), "filt": objects, "tuples": lists, "date": st.none()},
        {**envelope, "data": st.none() | odd_texts},
        {**envelope, "encodedPayload": st.none() | odd_texts},
        {"_ct": st.just("rt"), "_c": st.just("test.Anything"), "value": inner, "json": inner},
    ]
    return st.one_of(lists, objects, *map(st.fixed_dictionaries, kinds))


peers_json = st.recursive(
    json_leaves | st.fixed_dictionaries({"_ft": wrapper_names, "_fd": json_leaves}),
    json_containers,
    max_leaves=8,
)
"""JSON that any peer may send as a filt, a result or a tuple."""
