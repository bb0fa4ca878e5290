"""Messages of our own dialect with what is in them, for readers in any language.

Takes the cases below, gives ``native-1.json`` and ``native-2.json``, one for each version.
``python -m tests.vectors.native`` writes both. Of each case there is

* ``id``
* ``websocket``, the text of the message
* ``frames`` in its place, where the payload is too long to stand in it: see ``frames.py``
* ``http``, the same as it is written over HTTP, with its dot
* ``payload_bytes``, the length of the payload's JSON as it would stand in an envelope
* ``filt``, ``result``, ``date`` and ``payload``, the notes of what it is decoded to: the filt, the
  tuples and the date of the payload

A note is an object with the type ``t`` and what is needed to tell the value, mostly as text under
``v``. Text that repeats is noted as ``repeat``, a text and how often. Tuples are noted by their
type and the fields that the message carries.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django_vortex.tuples import (
    Field,
    GenericTuple,
    Tuple,
    TupleField,
    TupleRegistry,
    TupleSelector,
    present_fields,
    tuple_type,
)
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm, get_native
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.messages import encode_message
from django_vortex.wire.payload import Payload
from tests.vectors.frames import write_frames

FOLDER = Path(__file__).parent
VERSIONS = (1, 2)
DATE = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
EAST = dt.timezone(dt.timedelta(hours=5, minutes=45))
ODD = dt.timezone(dt.timedelta(hours=-1, minutes=-2, seconds=-3))
FILT = {"key": "vectors"}
LONG_TEXT = 200
"""Texts from here on are noted in short."""

CARRIED_BYTES = 132
"""What pieces have beside the JSON that would stand in an envelope: a filt and a date."""

registry = TupleRegistry()


@tuple_type("vec.Row", registry=registry)
class Row(Tuple):
    """Takes any values."""

    value = TupleField()
    other = TupleField()


@tuple_type("vec.Typed", registry=registry)
class Typed(Tuple):
    """Has a field of the usual types."""

    id: int
    name: str
    price: decimal.Decimal
    ratio: float
    is_open: bool
    at: dt.datetime
    day: dt.date
    tags: list[str]


@tuple_type("vec.Raw", registry=registry)
class Raw(Tuple):
    """Carries plain JSON."""

    json = TupleField(raw=True)


@tuple_type("vec.Empty", registry=registry)
class Empty(Tuple):
    """Has no fields."""


CODEC = Codec(registry, reads_unknown_tuples=True, reads_parts=True)

VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "int 0": 0,
    "int -5": -5,
    "int 2^53": 2**53,
    "int 2^53+1": 2**53 + 1,
    "int -2^53-1": -(2**53) - 1,
    "int 10^400": 10**400,
    "float 5.0": 5.0,
    "float -0.0": -0.0,
    "float 1e22": 1e22,
    "float nan": float("nan"),
    "float inf": float("inf"),
    "float -inf": float("-inf"),
    "decimal": decimal.Decimal("1.50"),
    "decimal exponent": decimal.Decimal("-1E+30"),
    "decimal NaN": decimal.Decimal("NaN"),
    "text": 'Zoë 😀 \\ " / \n \0 \u2028',
    "text empty": "",
    "text with a lone surrogate": "a\ud800b",
    "datetime in UTC": DATE,
    "datetime without microseconds": DATE.replace(microsecond=0),
    "datetime in another zone": DATE.astimezone(EAST),
    "datetime with an offset of seconds": DATE.astimezone(ODD),
    "datetime without zone": DATE.replace(tzinfo=None),
    "datetime year 1": dt.datetime(1, 1, 1),
    "date": dt.date(2024, 2, 29),
    "date year 1": dt.date.min,
    "time": dt.time(23, 59, 59, 999999),
    "time with zone": dt.time(1, 2, tzinfo=EAST),
    "timedelta": dt.timedelta(days=-1, seconds=86399, microseconds=5),
    "uuid": uuid.UUID("12345678-1234-5678-1234-567812345678"),
    "bytes": b"\x00\xff",
    "bytes empty": b"",
    "bytearray": bytearray(b"\x01"),
    "list": [1, "a", None, [True]],
    "tuple": (1, (2, "b")),
    "set": {7},
    "frozenset": frozenset({"x"}),
    "dict": {"a": 1, "b": {"c": None}},
    "dict with an int as key": {5: "five"},
    "dict with other keys": {0: "a", "": "b", "1": "c", None: "d", (1, 2): "e", DATE: "f"},
    "dict with markers as keys": {"_ct": 1, "_ft": 2, "_fd": 3},
    "tuple object": Row(value=1, other="x"),
    "tuple object of an unknown type": GenericTuple("no.Such", {"a": 1, "b": [DATE]}),
    "selector": TupleSelector("vec.Row", {"id": 5, "at": DATE}),
    "payload": Payload({"key": "inner"}, [1, Row(value=2)], DATE),
    "field of an unknown type": Field("no.such", {"amount": "1.50", "list": [1, None]}),
    "nested as deep as may be": None,  # made below
}


def nest(levels: int) -> Any:
    """Return a list in a list in a list."""
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


VALUES["nested as deep as may be"] = nest(CODEC.limits.depth - 2)


def typed(number: int) -> Typed:
    """Return a row of the usual types."""
    return Typed(
        id=number,
        name=f"row {number}",
        price=decimal.Decimal(number) / 4,
        ratio=number / 8,
        is_open=bool(number % 2),
        at=DATE + dt.timedelta(seconds=number),
        day=dt.date(2024, 1, 1) + dt.timedelta(days=number),
        tags=["a"] * (number % 3),
    )


def text_of(length: int, rest: str = "x") -> str:
    """Return a text with which a payload of this text alone has a length as JSON."""
    return rest * (length - len('{"tuples":[""]}'))


def make_cases() -> Iterator[tuple[str, PayloadEnvelope]]:
    """Return the messages by their ids."""
    for name, value in VALUES.items():
        yield f"value: {name}", envelope(value)
    for name, value in VALUES.items():
        if not name.startswith("nested"):
            yield f"column: {name}", envelope(*(Row(value=one) for one in (value, None, value)))
    yield "no payload", PayloadEnvelope(dict(FILT))
    yield "no tuples", envelope()
    for count in (1, 2, 3, 20, 100):
        yield f"rows: {count}", envelope(*map(typed, range(count)))
    yield "rows: nulls in every column", envelope(Typed(), typed(1), Typed())
    yield "rows: nulls alone", envelope(Typed(), Typed())
    yield "rows: two types", envelope(typed(1), typed(2), Row(value=1), Row(value=2), Row(value=3))
    yield "rows: taking turns", envelope(typed(1), Row(value=1), typed(2), Row(value=2))
    yield "rows: among other values", envelope("x", typed(1), typed(2), None, Row(value=1), 5)
    yield "rows: without fields", envelope(Empty(), Empty())
    yield "rows: plain JSON", envelope(Raw(json={"_ft": 1, "a": [1, None]}), Raw(json=[]))
    yield "rows: values of different types", envelope(*(Row(value=one) for one in (1, "a", 1.5)))
    yield "rows: rows inside", envelope(*(Row(value=[Row(value=n), Row()]) for n in (1, 2)))
    yield (
        "rows: fields that are missing",
        envelope(
            *(GenericTuple("vec.Typed", {"id": n}) for n in (1, 2)),
            *(GenericTuple("vec.Typed", {"id": n, "name": None}) for n in (3, 4)),
            GenericTuple("vec.Typed", {"name": "alone"}),
        ),
    )
    yield "rows: of an unknown type", envelope(*(GenericTuple("no.Such", {"a": n}) for n in (1, 2)))
    for length in (4096, 4097, 262_144, 262_145):
        yield f"length: {length}", envelope(text_of(length))
    for length in (262_143, 262_144, 262_145, 524_288, 524_289):
        yield f"pieces: {length}", envelope(text_of(length - CARRIED_BYTES))
    yield "length: more than ASCII", envelope("é" * 800)
    yield (
        "message: error",
        PayloadEnvelope(
            dict(FILT), result={"error": "conflict", "text": "This row exists", "index": 0}
        ),
    )
    yield (
        "message: error with tuples",
        PayloadEnvelope(
            dict(FILT), Payload(tuples=[typed(1)]), result={"error": "conflict", "text": "x"}
        ),
    )
    yield (
        "message: filt with special values",
        PayloadEnvelope(
            {"key": "é", "id": 5, "at": DATE, "big": 2**60, "0": [1, (2,)]}, Payload(tuples=[1])
        ),
    )
    yield (
        "message: payload with a filt and a date of its own",
        PayloadEnvelope(
            dict(FILT), Payload({"key": "another"}, ["x"], DATE - dt.timedelta(days=1))
        ),
    )


def envelope(*tuples: Any) -> PayloadEnvelope:
    """Return the message of some tuples."""
    return PayloadEnvelope(dict(FILT), Payload(tuples=list(tuples)))


def write_vector(name: str, message: PayloadEnvelope, version: int) -> dict[str, Any]:
    """Return a case as it stands in a file."""
    dialect = get_native(version)
    payload = message.encode(CODEC, dialect, DATE)
    texts = [
        encode_message(message, WireForm(dialect, framed), DATE, CODEC) for framed in (False, True)
    ]
    is_long = dialect.has_short_payloads and payload is not None and payload.short is None
    length = 0 if payload is None else len(b'{"tuples":%b}' % payload_tuples(message, dialect))
    vector: dict[str, Any] = {"id": name, "websocket": texts[0], "http": texts[1]}
    if is_long:
        vector["frames"] = write_frames(vector.pop("websocket"))
    return {**vector, "payload_bytes": length, **write_notes(message)}


def payload_tuples(message: PayloadEnvelope, dialect: Dialect) -> bytes:
    """Return the JSON of the tuples of a message."""
    return CODEC.encode_payload(message.decode_payload(CODEC), dialect).tuples


def write_notes(message: PayloadEnvelope, default: dt.datetime | None = DATE) -> dict[str, Any]:
    """Return the notes of what a message is decoded to."""
    notes = {
        "filt": write_note(message.filt),
        "result": write_note(message.result),
        "date": write_note(message.date or default),
        "payload": None,
    }
    if message.has_payload:
        payload = message.decode_payload(CODEC)
        notes["payload"] = {
            "filt": write_note(payload.filt or message.filt),
            "tuples": [write_note(one) for one in payload.tuples],
            "date": write_note(payload.date or message.date or default),
        }
    return notes


def write_note(value: Any) -> dict[str, Any]:
    """Return the note of a value."""
    if isinstance(value, GenericTuple):
        return _write_tuple(value.type_name, value.fields)
    if isinstance(value, TupleSelector):
        return {"t": "selector", "name": value.name, "v": write_note(value.selector)["v"]}
    if isinstance(value, Tuple):
        found = registry.get_by_class(type(value))
        assert found is not None
        names = [one.name for one in found.fields]
        present = present_fields(value, registry=registry)
        return _write_tuple(found.name, {n: getattr(value, n) for n in names if n in present})
    if isinstance(value, Payload):
        parts = {"filt": write_note(value.filt), "date": write_note(value.date)}
        return {"t": "payload", **parts, "tuples": list(map(write_note, value.tuples))}
    if isinstance(value, Field):
        return {"t": "field", "type": value.type, "data": value.data}
    kind = type(value).__name__
    if isinstance(value, dict):
        return {"t": kind, "v": [[write_note(k), write_note(item)] for k, item in value.items()]}
    if isinstance(value, list | tuple | set | frozenset):
        return {"t": kind, "v": list(map(write_note, value))}
    if isinstance(value, str) and len(value) >= LONG_TEXT:
        assert value == value[0] * len(value)
        return {"t": kind, "repeat": [value[0], len(value)]}
    if value is None:
        return {"t": "null"}
    return {"t": kind, "v": _SCALARS.get(kind, lambda one: one)(value)}


def _write_tuple(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    noted = [[name, write_note(item)] for name, item in fields.items()]
    return {"t": "tupleobj", "type": name, "v": noted}


_SCALARS: dict[str, Any] = {
    "int": str,
    "float": repr,
    "Decimal": str,
    "datetime": dt.datetime.isoformat,
    "date": dt.date.isoformat,
    "time": dt.time.isoformat,
    "timedelta": lambda value: f"{value.days}:{value.seconds}:{value.microseconds}",
    "UUID": str,
    "bytes": bytes.hex,
    "bytearray": bytearray.hex,
}


def make_vectors(version: int) -> list[dict[str, Any]]:
    """Return the content of the file of a version."""
    return [write_vector(name, message, version) for name, message in make_cases()]


def get_path(version: int) -> Path:
    """Return where the vectors of a version are."""
    return FOLDER / f"native-{version}.json"


if __name__ == "__main__":
    for written in VERSIONS:
        text = json.dumps(make_vectors(written), indent=1) + "\n"
        get_path(written).write_text(text, "ascii")
