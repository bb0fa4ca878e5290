"""Python values to what JSON can hold, for one dialect.

Takes any value that can travel, gives the nearest thing that the peer can read:

============================  =====================  ======================  ====================
value                         native                 D2, D1B, D0             D1
============================  =====================  ======================  ====================
None bool str list dict       exact                  exact                   exact
int to 2**53                  exact                  exact                   exact
int beyond                    ``bigint``             exact                   exact (js rounds)
float                         exact                  exact                   exact
nan, inf                      ``float`` with text    ``NaN`` ``Infinity``    null
Decimal                       ``decimal``            float                   float
datetime with zone            exact                  exact                   exact
its offset has seconds        exact                  exact                   converted to UTC
datetime without zone         exact                  taken as UTC            taken as UTC
date                          ``date``               midnight UTC            midnight UTC
time                          ``time``               ISO text                ISO text
timedelta                     ``timedelta``          seconds, float          seconds, float
UUID                          ``uuid``               text                    text
bytes                         exact                  exact                   exact
bytearray                     ``bytearray``          bytes                   bytes
tuple set frozenset           of their own           list                    list
Enum member                   its value              its value               its value
dict with other keys          ``map`` of pairs       text of the key         text of the key
Tuple Payload Envelope        exact                  exact                   exact
registered values, Field      of their own           the data alone          the data alone
============================  =====================  ======================  ====================

D0 has no zones, its datetimes are UTC and say nothing about it; and no bytes, it gets base64 text.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django_vortex.exceptions import UnencodableValue, quoted
from django_vortex.tuples import Field, GenericTuple, TupleType
from django_vortex.tuples.scalars import SCALAR_TEXTS, bytes_text, datetime_text
from django_vortex.typedefs import Json
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.envelopes_in_data import encode_envelope
from django_vortex.wire.json_text import write_json
from django_vortex.wire.keys import (
    MAX_SAFE_INT,
    are_exact_text_keys,
    is_decimal_int,
    is_exact_key,
    write_key,
)
from django_vortex.wire.payload import PAYLOAD_CLASS, Payload
from django_vortex.wire.places import index_part, key_part
from django_vortex.wire.ports import EncodesPayloads
from django_vortex.wire.raw_values import SAME_RAW, encode_raw
from django_vortex.wire.registered_values import encode_field, encode_registered
from django_vortex.wire.wkb import Wkb

_UTC_SUFFIX = "+0000"


class ValueEncoder:
    """Encodes the values of one message.

    Args:
        codec: What encodes the payloads of envelopes inside data, and knows registry and limits.
        dialect: What the peer speaks.

    Attributes:
        is_portable: Whether everything so far reads the same in all dialects but D0.
        is_json: Whether everything so far can be written by a strict JSON writer.
        is_lasting: Whether nothing so far was lazy: encoded later it would be the same.
        is_tabular: Whether several tuples of a type stand together, which may become columns.
    """

    __slots__ = (
        "_depth",
        "codec",
        "dialect",
        "is_json",
        "is_lasting",
        "is_native",
        "is_portable",
        "is_tabular",
        "registry",
    )

    def __init__(self, codec: EncodesPayloads, dialect: Dialect) -> None:
        self.codec = codec
        self.registry = codec.registry
        self._depth = codec.limits.depth
        self.dialect = dialect
        self.is_native = dialect.is_native
        self.is_portable = dialect is not Dialect.D0
        self.is_json = True
        self.is_lasting = True
        self.is_tabular = False

    def encode(self, value: object, depth: int = 0) -> Json:
        """Return what JSON can hold.

        Raises:
            UnencodableValue: Something in the value cannot travel.
        """
        write = WRITERS.get(type(value))
        return self._encode_other(value, depth) if write is None else write(self, value, depth)

    def encode_datetime(self, value: dt.datetime, depth: int = 0) -> Json:
        """Return the ``datetime`` wrapper."""
        if self.dialect is Dialect.D0:
            return {"_ft": "datetime", "_fd": datetime_text(_to_utc(value).replace(tzinfo=None))}
        text = datetime_text(value)
        if len(text) != 31:
            self.is_portable = False
            if not self.is_native and len(text) == 26:
                text += _UTC_SUFFIX
            elif self.dialect is Dialect.D1:
                text = datetime_text(_to_utc(value))
        return {"_ft": "datetime", "_fd": text}

    def encode_payload(self, value: Payload, depth: int = 0) -> Json:
        """Return the ``rp`` object, for D0 with the members that make it a message."""
        message: dict[str, Json] = (
            {"replyFilt": {}, "result": None} if self.dialect is Dialect.D0 else {}
        )
        return {
            "_ct": "rp",
            "_c": PAYLOAD_CLASS,
            "filt": self.encode_member("filt", value.filt, depth + 1),
            "tuples": self._encode_tuples(value.tuples, depth + 1),
            "date": self.encode(value.date, depth + 1),
            **message,
        }

    def check_raw(self, value: Json, depth: int = 0) -> Json:
        """Return the value of a raw field: plain JSON as it is.

        Raises:
            UnencodableValue: It is not plain JSON.
        """
        return value if type(value) in SAME_RAW else encode_raw(self, value, depth)

    def _encode_int(self, value: int, depth: int) -> Json:
        if not -MAX_SAFE_INT <= value <= MAX_SAFE_INT:
            self.is_portable = False
            if self.is_native:
                return {"_ft": "bigint", "_fd": hex(value)}
            if not is_decimal_int(value):
                raise UnencodableValue(f"Cannot encode an int of {value.bit_length()} bits")
        return {"_ft": "int", "_fd": value}

    def _encode_float(self, value: float, depth: int) -> Json:
        if math.isfinite(value):
            return value
        self.is_portable = False
        if self.is_native:
            return {"_ft": "float", "_fd": str(value)}
        if self.dialect is Dialect.D1:
            return None
        self.is_json = False
        return value

    def _encode_decimal(self, value: decimal.Decimal, depth: int) -> Json:
        return self._encode_float(math.nan if value.is_nan() else float(value), depth)

    def _encode_date(self, value: dt.date, depth: int) -> Json:
        return self.encode_datetime(dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC))

    def _encode_bytes(self, value: bytes, depth: int) -> Json:
        text = bytes_text(value)
        return text if self.dialect is Dialect.D0 else {"_ft": "bytes", "_fd": text}

    def _encode_list(self, value: list[Any], depth: int) -> Json:
        return self._encode_items(value, depth)

    def encode_member(self, name: str, value: object, depth: int) -> Json:
        """Encode a named part of something, so that errors say where they are."""
        try:
            return self.encode(value, depth)
        except UnencodableValue as error:
            error.under(f".{name}")
            raise

    def _encode_tuples(self, value: Any, depth: int) -> Json:
        try:
            return self._encode_items(value, depth)
        except UnencodableValue as error:
            error.under(".tuples")
            raise

    def _encode_items(self, value: Any, depth: int) -> Json:
        depth = self.descend(value, depth)
        encode = self.encode
        items = iter(value)
        try:
            return [encode(item, depth) for item in items]
        except UnencodableValue as error:
            error.under(index_part(value, items))
            raise

    def _encode_dict(self, value: dict[Any, Any], depth: int) -> Json:
        depth = self.descend(value, depth)
        encode = self.encode
        items = iter(value.items())
        try:
            if are_exact_text_keys(value):
                return {key: encode(item, depth) for key, item in items}
            if not all(is_exact_key(key) for key in value):
                self.is_portable = False
                if self.is_native:
                    pairs = [[encode(k, depth), encode(v, depth)] for k, v in items]
                    return {"_ft": "map", "_fd": pairs}
            return {write_key(key): encode(item, depth) for key, item in items}
        except UnencodableValue as error:
            error.under(key_part(value, items))
            raise

    def _encode_enum(self, value: enum.Enum, depth: int) -> Json:
        return self.encode(value.value, depth)

    def _encode_tuple(self, value: Any, tuple_type: TupleType, depth: int) -> Json:
        depth = self.descend(value, depth)
        encoded: dict[str, Json] = {"_ct": "rt", "_c": tuple_type.name}
        name = ""
        try:
            for field in tuple_type.fields:
                name, read = field.name, field.read
                item = getattr(value, name) if read is None else read(value)
                encoded[name] = (
                    self.check_raw(item, depth) if field.raw else self.encode(item, depth)
                )
        except UnencodableValue as error:
            error.under(f".{name}")
            raise
        return encoded

    def encode_generic(self, value: GenericTuple, depth: int) -> Json:
        """Encode a tuple of a type that is not registered, as it came."""
        depth = self.descend(value, depth)
        encoded: dict[str, Json] = {"_ct": "rt", "_c": value.type_name}
        for name, item in value.fields.items():
            try:
                encoded[name] = self.encode(item, depth)
            except UnencodableValue as error:
                error.under(f".{name}")
                raise
        return encoded

    def _encode_other(self, value: Any, depth: int) -> Json:
        """Encode a tuple, a subclass of something, or what stands for another value.

        The class is the real one, not the one that a proxy claims to be.
        """
        kind = type(value)
        tuple_type = self.registry.get_by_class(kind)
        if tuple_type is not None:
            return self._encode_tuple(value, tuple_type, depth)
        value_type = self.registry.values.get_by_class(kind)
        if value_type is not None:
            return encode_registered(self, value, value_type, depth)
        for base, write in _BASES.items():
            if issubclass(kind, base):
                return write(self, value, depth)
        self.is_lasting = False
        return self.encode(self.registry.stand_ins.resolve(value), depth)

    def descend(self, value: object, depth: int) -> int:
        """Return the depth of what is inside a value.

        Raises:
            UnencodableValue: It is nested too deep.
        """
        if depth >= self._depth:
            raise UnencodableValue(
                f"Cannot encode {quoted(value)}: nested deeper than max_depth ({self._depth})"
            )
        return depth + 1


_Writer = Callable[[ValueEncoder, Any, int], Json]


def _to_utc(value: dt.datetime) -> dt.datetime:
    if value.tzinfo is None:
        return value
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        # At the ends of the calendar the instant has no UTC form; the clock time is nearest.
        return value.replace(tzinfo=dt.UTC)


def _native(kind: type, nearest: _Writer) -> _Writer:
    """Make a writer of a type that only the native dialect knows."""
    name, text = SCALAR_TEXTS[kind]

    def write(encoder: ValueEncoder, value: Any, depth: int) -> Json:
        encoder.is_portable = False
        if encoder.is_native:
            return {"_ft": name, "_fd": text(value)}
        return nearest(encoder, value, depth)

    return write


def _native_items(name: str, *, is_set: bool = False) -> _Writer:
    """Make a writer of a collection that is a list everywhere but in the native dialect.

    Equal sets are written alike: their own order depends on the process.
    """

    def write(encoder: ValueEncoder, value: Any, depth: int) -> Json:
        encoder.is_portable = False
        items = encoder._encode_items(value, depth)
        if is_set:
            items.sort(key=write_json)
        return {"_ft": name, "_fd": items} if encoder.is_native else items

    return write


def _as_is(encoder: ValueEncoder, value: Any, depth: int) -> Json:
    return value


WRITERS: dict[type, _Writer] = {
    type(None): _as_is,
    bool: _as_is,
    str: _as_is,
    int: ValueEncoder._encode_int,
    float: ValueEncoder._encode_float,
    decimal.Decimal: _native(decimal.Decimal, ValueEncoder._encode_decimal),
    dt.datetime: ValueEncoder.encode_datetime,
    dt.date: _native(dt.date, ValueEncoder._encode_date),
    dt.time: _native(dt.time, lambda encoder, value, depth: value.isoformat()),
    dt.timedelta: _native(dt.timedelta, lambda encoder, value, depth: value.total_seconds()),
    uuid.UUID: _native(uuid.UUID, lambda encoder, value, depth: str(value)),
    bytes: ValueEncoder._encode_bytes,
    bytearray: _native(bytearray, ValueEncoder._encode_bytes),
    list: ValueEncoder._encode_list,
    tuple: _native_items("tuple"),
    set: _native_items("set", is_set=True),
    frozenset: _native_items("frozenset", is_set=True),
    dict: ValueEncoder._encode_dict,
    Payload: ValueEncoder.encode_payload,
    PayloadEnvelope: encode_envelope,
    Field: lambda encoder, value, depth: encode_field(encoder, value.type, value.data, depth),
    Wkb: lambda encoder, value, depth: {"_ft": "wkb", "_fd": bytes_text(value.data)},
}

_BASES: dict[type, _Writer] = {
    enum.Enum: ValueEncoder._encode_enum,
    str: lambda encoder, value, depth: str.__str__(value),
    int: lambda encoder, value, depth: encoder._encode_int(int(value), depth),
    float: lambda encoder, value, depth: encoder._encode_float(float(value), depth),
    **{kind: write for kind, write in WRITERS.items() if kind not in (str, int, float, bool)},
    Mapping: lambda encoder, value, depth: encoder._encode_dict(dict(value), depth),
    GenericTuple: ValueEncoder.encode_generic,
}
"""What a subclass is written as: the first match, so that members of an ``IntEnum`` are members."""

CARRIED = tuple(_BASES)
"""The classes whose instances travel, those of subclasses too, beside registered tuple types."""
