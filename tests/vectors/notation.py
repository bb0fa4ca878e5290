"""The neutral notation of the golden vectors, as Python values and as what JavaScript sees.

Takes what stands in a vector file (its README explains the notation), gives values of this
package; takes values, gives forms that are equal when and only when the values are.
"""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import json
import math
import struct
from pathlib import Path
from typing import Any

from django_vortex.tuples import Tuple, TupleField, TupleRegistry, TupleSelector, tuple_type
from django_vortex.wire.bodies import EncodedBody
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.keys import write_key
from django_vortex.wire.payload import Payload
from django_vortex.wire.wkb import Wkb

FOLDER = Path(__file__).parent

PYTHON_FILES = {
    "vortexpy-0.3.0.json": Dialect.D0,
    "vortexpy-2.4.3.json": Dialect.D1,
    "vortexpy-6.2.2.json": Dialect.D2,
}
JS_FILE = "vortexjs-2.4.2.json"

registry = TupleRegistry()
"""The tuple types of the vectors."""


class StrE(enum.StrEnum):
    A = "aa"


class IntE(int, enum.Enum):
    ONE = 1


class PlainE(enum.Enum):
    P = "p"


@tuple_type("vec.Simple", registry=registry)
class Simple(Tuple):
    a = TupleField()
    b = TupleField()
    c = TupleField()


@tuple_type("vec.Nested", registry=registry)
class Nested(Tuple):
    child = TupleField()
    children = TupleField(default_factory=list)
    data = TupleField()


@tuple_type("vec.Defaults", registry=registry)
class Defaults(Tuple):
    num = TupleField(int, default=5)
    lst = TupleField(list, default_factory=lambda: [1, 2])
    txt = TupleField(str, default="x")


@tuple_type("vec.Raw", registry=registry)
class Raw(Tuple):
    raw = TupleField(raw=True)
    other = TupleField()


@tuple_type("vec.Orm", registry=registry)
class Orm(Tuple):
    id: int
    name: str
    ratio: float
    ok: bool
    notAColumn = TupleField(default="extra")


@tuple_type("vec.Enum", registry=registry)
class EnumTuple(Tuple):
    s: StrE
    i: IntE


class _StrSub(str):
    pass


class _Unknown:
    """A value that nobody can send."""

    def __repr__(self) -> str:
        return "<unknown>"


def load(name: str) -> Any:
    """Read a vector file."""
    return json.loads((FOLDER / name).read_text("utf-8"))


def build(note: Any) -> Any:
    """Return the Python value of a Python note."""
    kind, value = note["t"], note.get("v")
    simple = _SIMPLE.get(kind)
    if simple is not None:
        return simple(value)
    if kind == "datetime":
        zone = note["tz"]
        return dt.datetime.fromisoformat(value + (zone or ""))
    if kind == "tupleobj":
        found = registry.get_by_name(note["type"])
        assert found is not None
        instance = found.cls()
        for name, item in value:
            setattr(instance, name, build(item))
        return instance
    if kind == "selector":
        return TupleSelector(note["name"], _build_dict(value))
    if kind == "payload":
        return Payload(build(note["filt"]), list(map(build, note["tuples"])), build(note["date"]))
    if kind == "envelope":
        return _build_envelope(note)
    return _Unknown()


def _build_dict(pairs: Any) -> dict[Any, Any]:
    return {build(key): build(item) for key, item in pairs}


def _build_envelope(note: Any) -> PayloadEnvelope:
    body = build(note.get("data", {"t": "null"}))
    return PayloadEnvelope.received(
        build(note["filt"]),
        None if body is None else EncodedBody(body, Dialect.D2),
        result=build(note["result"]),
        date=build(note["date"]),
    )


_ENUMS = {"StrE.A": StrE.A, "IntE.ONE": IntE.ONE, "PlainE.P": PlainE.P}

_SIMPLE: dict[str, Any] = {
    "null": lambda value: None,
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "strsubclass": _StrSub,
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "decimal": decimal.Decimal,
    "date": dt.date.fromisoformat,
    "time": lambda value: dt.time(3, 4, 5),
    "timedelta": lambda value: dt.timedelta(seconds=5),
    "list": lambda value: list(map(build, value)),
    "tuple": lambda value: tuple(map(build, value)),
    "set": lambda value: set(map(build, value)),
    "frozenset": lambda value: frozenset(map(build, value)),
    "dict": _build_dict,
    "ordereddict": lambda value: collections.OrderedDict(_build_dict(value)),
    "defaultdict": lambda value: collections.defaultdict(list, _build_dict(value)),
    "wkb": lambda value: Wkb(bytes.fromhex(value)),
    "wkbpoint": lambda value: Wkb(struct.pack("<BIdd", 1, 1, *value)),
    "enum": lambda value: _ENUMS[value],
}


def strict(value: Any) -> Any:
    """Return a form of a value that differs whenever type or content does."""
    kind = type(value).__name__
    if isinstance(value, list | tuple):
        return [kind, [strict(item) for item in value]]
    if isinstance(value, set | frozenset):
        return [kind, sorted(map(repr, map(strict, value)))]
    if isinstance(value, dict):
        return [kind, sorted(([strict(k), strict(v)] for k, v in value.items()), key=repr)]
    if isinstance(value, TupleSelector):
        return [kind, value.name, strict(value.selector)]
    if isinstance(value, Tuple):
        own = {key: item for key, item in vars(value).items() if not key.startswith("_")}
        return [kind, strict({**{f: getattr(value, f) for f in value.__tuple_fields__}, **own})]
    if isinstance(value, Payload):
        return [kind, *map(strict, (value.filt, list(value.tuples), value.date))]
    if isinstance(value, PayloadEnvelope):
        return [kind, *map(strict, (value.filt, body_text(value), value.result, value.date))]
    return [kind, repr(value)]


def body_text(envelope: PayloadEnvelope) -> str | None:
    """Return the encoded payload of a received envelope, whichever way it was spelled."""
    text = getattr(envelope._body, "text", None)
    return text.decode() if isinstance(text, bytes) else text


def see(value: Any, *, raw: bool = False) -> Any:
    """Return what JavaScript sees of a Python value: one kind of number, no ``_*`` keys.

    In raw fields such keys survive.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return ["number", _number(value)]
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dt.datetime):
        moment = value if value.tzinfo is None else value.astimezone(dt.UTC).replace(tzinfo=None)
        return ["date", moment.isoformat(timespec="milliseconds")]
    if isinstance(value, list):
        return [see(item, raw=raw) for item in value]
    if isinstance(value, dict):
        keyed = {key if raw else write_key(key): item for key, item in value.items()}
        return {k: see(v, raw=raw) for k, v in keyed.items() if raw or not k.startswith("_")}
    if isinstance(value, TupleSelector):
        return ["selector", value.name, see(value.selector)]
    if isinstance(value, Tuple):
        found = registry.get_by_class(type(value))
        assert found is not None
        members = {field.name: (getattr(value, field.name), field.raw) for field in found.fields}
        return [
            "tuple",
            found.name,
            {name: see(v, raw=raw) for name, (v, raw) in members.items() if v is not None},
        ]
    if isinstance(value, Payload):
        return ["payload", see(value.filt), see(list(value.tuples)), see(value.date)]
    assert isinstance(value, PayloadEnvelope), value
    return ["envelope", see(value.filt), body_text(value), see(value.result), see(value.date)]


def _number(value: float) -> str:
    number = float(value)
    return repr(0.0 if number == 0 and math.copysign(1, number) > 0 else number)


def see_note(note: Any) -> Any:
    """Return what JavaScript saw, from a JavaScript note."""
    kind, value = note["t"], note.get("v")
    if kind in ("null", "undefined"):
        return None
    if kind in ("bool", "str"):
        return value
    if kind == "number":
        return ["number", _number(float(value))]
    if kind == "datetime":
        return ["date", value.removesuffix("Z")]
    if kind == "list":
        return [see_note(item) for item in value]
    if kind == "dict":
        return {key: see_note(item) for key, item in value}
    if kind == "selector":
        return ["selector", note["name"], {key: see_note(item) for key, item in value}]
    if kind == "tupleobj":
        members = {key: see_note(item) for key, item in value}
        return ["tuple", note.get("type"), {k: v for k, v in members.items() if v is not None}]
    if kind == "payload":
        return [
            "payload",
            *map(see_note, (note["filt"],)),
            [see_note(item) for item in note["tuples"]],
            see_note(note["date"]),
        ]
    assert kind == "envelope", kind
    body = see_note(note["encodedPayload"])
    body = see_note(note["data"]) if body is None else body
    return [
        "envelope",
        see_note(note["filt"]),
        body,
        *map(see_note, (note["result"], note["date"])),
    ]


def build_js(note: Any) -> Any:
    """Return the Python value that is nearest to a JavaScript note."""
    kind, value = note["t"], note.get("v")
    if kind == "number":
        number = float(value)
        return int(number) if number.is_integer() and abs(number) < 1e21 else number
    if kind == "datetime":
        return dt.datetime.fromisoformat(value)
    if kind == "list":
        return [build_js(item) for item in value]
    if kind == "dict":
        return {key: build_js(item) for key, item in value}
    if kind == "selector":
        return TupleSelector(note["name"], {key: build_js(item) for key, item in value})
    return build(note)
