"""The nearest value for each dialect, and what cannot travel."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import math
import uuid
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.encoder import ValueEncoder
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from django_vortex.wire.wkb import Wkb
from tests.unit.wire import strategies

CODEC = Codec(strategies.registry)
D0, D1, D1B, D2, NATIVE_1, NATIVE = Dialect
ALL = tuple(Dialect)
OLD = (D0, D1, D1B, D2)


class Size(enum.IntEnum):
    BIG = 2


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


Pair = collections.namedtuple("Pair", "a b")


def wrapped(field_type: str, data: Any) -> dict[str, Any]:
    return {"_ft": field_type, "_fd": data}


NAIVE = dt.datetime(2024, 1, 2, 3, 4, 5)
TEN = NAIVE.replace(tzinfo=dt.timezone(dt.timedelta(hours=10)))
ODD = NAIVE.replace(tzinfo=dt.timezone(dt.timedelta(seconds=35945)))


@pytest.mark.parametrize(
    ("value", "dialects", "json"),
    [
        (5, ALL, wrapped("int", 5)),
        (2**53, ALL, wrapped("int", 2**53)),
        (2**53 + 1, OLD, wrapped("int", 2**53 + 1)),
        pytest.param(
            2**53 + 1, (NATIVE,), wrapped("bigint", "0x20000000000001"), id="2**53 + 1, native"
        ),
        pytest.param(-(10**30), (NATIVE,), wrapped("bigint", hex(-(10**30))), id="-10**30, native"),
        (5.0, ALL, 5.0),
        (math.inf, (D1,), None),
        (math.inf, (D0, D1B, D2), math.inf),
        (math.inf, (NATIVE,), wrapped("float", "inf")),
        (decimal.Decimal("1.10"), OLD, 1.1),
        (decimal.Decimal("sNaN"), (D1,), None),
        (decimal.Decimal("1e999"), (D1,), None),
        (decimal.Decimal("1.10"), (NATIVE,), wrapped("decimal", "1.10")),
        (NAIVE, (D0,), wrapped("datetime", "2024-01-02 03:04:05.000000")),
        (NAIVE, (D1, D1B, D2), wrapped("datetime", "2024-01-02 03:04:05.000000+0000")),
        (NAIVE, (NATIVE,), wrapped("datetime", "2024-01-02 03:04:05.000000")),
        (TEN, (D0,), wrapped("datetime", "2024-01-01 17:04:05.000000")),
        (TEN, (D1, D1B, D2, NATIVE), wrapped("datetime", "2024-01-02 03:04:05.000000+1000")),
        (ODD, (D1,), wrapped("datetime", "2024-01-01 17:05:00.000000+0000")),
        (ODD, (D1B, D2, NATIVE), wrapped("datetime", "2024-01-02 03:04:05.000000+095905")),
        (dt.date(2024, 1, 2), (D1, D2), wrapped("datetime", "2024-01-02 00:00:00.000000+0000")),
        (dt.date(2024, 1, 2), (D0,), wrapped("datetime", "2024-01-02 00:00:00.000000")),
        (dt.date(2024, 1, 2), (NATIVE,), wrapped("date", "2024-01-02")),
        (dt.time(3, 4), OLD, "03:04:00"),
        (dt.time(3, 4), (NATIVE,), wrapped("time", "03:04:00")),
        (dt.timedelta(seconds=1.5), OLD, 1.5),
        (dt.timedelta(seconds=1.5), (NATIVE,), wrapped("timedelta", "0:1:500000")),
        (uuid.UUID(int=1), OLD, str(uuid.UUID(int=1))),
        (uuid.UUID(int=1), (NATIVE,), wrapped("uuid", str(uuid.UUID(int=1)))),
        (b"\x00", (D0,), "AA=="),
        (b"\x00", (D1, D1B, D2, NATIVE), wrapped("bytes", "AA==")),
        (bytearray(b"\x00"), (D2,), wrapped("bytes", "AA==")),
        (bytearray(b"\x00"), (NATIVE,), wrapped("bytearray", "AA==")),
        (Wkb(b"\x00"), ALL, wrapped("wkb", "AA==")),
        (Size.BIG, ALL, wrapped("int", 2)),
        (strategies.Color.RED, ALL, "r"),
        (Text("x"), ALL, "x"),
        (Pair("a", None), OLD, ["a", None]),
        (Pair("a", None), (NATIVE,), wrapped("tuple", ["a", None])),
        (frozenset({"a"}), (D2,), ["a"]),
        (frozenset({"a"}), (NATIVE,), wrapped("frozenset", ["a"])),
        (collections.OrderedDict(a=None), ALL, {"a": None}),
        ({"_x": None, 5: True, 1.5: "x"}, ALL, {"_x": None, "5": True, "1.5": "x"}),
        ({0: None, "": True}, OLD, {"0": None, "": True}),
        ({0: None}, (NATIVE,), wrapped("map", [[wrapped("int", 0), None]])),
        ({"_ct": None}, OLD, {"__ct": None}),
        ({"_ct": None}, (NATIVE,), wrapped("map", [["_ct", None]])),
    ],
    ids=repr,
)
def test_value_is_written_as_the_table_says(
    value: object, dialects: tuple[Dialect, ...], json: Any
) -> None:
    for dialect in dialects:
        encoded = CODEC.encode_value(value, dialect)
        assert encoded == json, dialect
        assert type(encoded) is type(json), dialect


@pytest.mark.parametrize(
    "moment",
    [
        dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=10))),
        dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=10))),
    ],
)
def test_instant_outside_the_calendar_of_utc_keeps_its_clock_time(moment: dt.datetime) -> None:
    encoded = CODEC.encode_value(moment, D0)
    assert encoded["_fd"] == moment.replace(tzinfo=None).isoformat(" ", "microseconds")


@pytest.mark.parametrize("value", [object(), 1j, iter([]), {"a": {object}}, [object()], range(3)])
def test_what_cannot_travel_is_told(value: object) -> None:
    for dialect in Dialect:
        with pytest.raises(DefinitionError, match="neither a value that travels nor a registered"):
            CODEC.encode_value(value, dialect)


def test_depth_is_counted_in_lists_dicts_and_tuples() -> None:
    deep: Any = 1
    for _ in range(64):
        deep = [deep]
    CODEC.encode_value(deep, D2)
    with pytest.raises(DefinitionError, match=r"nested deeper than max_depth \(64\)"):
        CODEC.encode_value([deep], D2)


@pytest.mark.parametrize(
    "value", [1, 1.5, "x", [True], {"a": b"x"}, TEN, Payload({"key": "k"}, [1])]
)
def test_values_that_read_alike_everywhere_are_portable(value: object) -> None:
    for dialect in (D1, D1B, D2, NATIVE):
        encoder = ValueEncoder(CODEC, dialect)
        encoder.encode(value)
        assert encoder.is_portable


@pytest.mark.parametrize(
    "value",
    [2**60, math.nan, decimal.Decimal(1), NAIVE, ODD, dt.date(2024, 1, 2), dt.time(1), {0: 1}]
    + [(1,), {1}, {"1": 1}, uuid.UUID(int=1), bytearray(b"x"), PayloadEnvelope()],
    ids=repr,
)
def test_values_that_do_not_are_not(value: object) -> None:
    for dialect in (D1, D1B, D2, NATIVE):
        encoder = ValueEncoder(CODEC, dialect)
        encoder.encode([value])
        assert not encoder.is_portable


def test_envelope_inside_data_has_the_payload_field_of_its_dialect() -> None:
    envelope = PayloadEnvelope({"key": "k"}, Payload({}, ["x"]))
    for dialect, field in ((D1, "encodedPayload"), (D1B, "data"), (D2, "data")):
        encoded = CODEC.encode_value(envelope, dialect)
        assert CODEC.decode_payload(encoded[field], dialect).tuples == ["x"]
    assert CODEC.encode_value(envelope, D0)["tuples"] == ["x"]
    assert CODEC.encode_value(envelope, NATIVE)["payload"]["tuples"] == ["x"]


@pytest.mark.parametrize("dialect", [D1, D1B, D2, NATIVE])
def test_envelope_that_a_peer_put_into_data_is_passed_on_without_opening_it(
    dialect: Dialect,
) -> None:
    """Opened, a megabyte of them would be a gigabyte."""
    bomb = CODEC.encode_payload(Payload(tuples=["0" * 1_000_000]), D2).text.decode()
    received = CODEC.decode_value({"_ct": "rpe", "filt": {"key": "a"}, "data": bomb}, D2)
    encoded = CODEC.encode_json(CODEC.encode_value({"a": received}, dialect), dialect)
    assert len(encoded) < 2 * len(bomb)
    again = CODEC.decode_value(CODEC.read_json(encoded), dialect)["a"]
    assert again.decode_payload(CODEC).tuples == ["0" * 1_000_000]
