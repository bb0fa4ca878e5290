"""What JSON can hold to Python values (PROTOCOL 3.4).

Takes parsed JSON of any dialect, gives values or a `WireError` with the path below the value that
is at fault. Every wrapper is read in every dialect; the dialect only says what a datetime without
zone means.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from functools import partial
from typing import Any

from django_vortex.exceptions import (
    DefinitionError,
    MalformedMessage,
    UnknownTupleType,
    WireError,
    quoted,
)
from django_vortex.tuples import TupleRegistry
from django_vortex.typedefs import Json
from django_vortex.wire.bodies import EncodedBody
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.field_types import READER_ERRORS, READERS, read_datetime
from django_vortex.wire.json_text import PLAIN, too_deep
from django_vortex.wire.keys import are_exact_text_keys, check_decimal, check_hashes, read_key
from django_vortex.wire.parts import RowPart, read_parts
from django_vortex.wire.payload import Payload
from django_vortex.wire.plans import Plans
from django_vortex.wire.registered_values import decode_field, has_wrappers
from django_vortex.wire.tuple_readers import GenericReader, TupleReader
from django_vortex.wire.type_checks import expected, under


class ValueDecoder:
    """Decodes the values of messages in one dialect.

    Args:
        registry: Which tuple types may be built.
        dialect: What the peer speaks.
        depth: How many lists and objects may be inside one another.
        reads_all_ints: Whether ints are read that have no decimal form, and so could not be sent
            back to peers of any dialect but our own.
        reads_unknown_tuples: Whether tuples of types that are not registered are read as
            `GenericTuple`.
        reads_parts: Whether there may be parts of rows among the tuples of a payload.
    """

    def __init__(
        self,
        registry: TupleRegistry,
        dialect: Dialect,
        depth: int,
        *,
        reads_all_ints: bool = True,
        reads_unknown_tuples: bool = False,
        reads_parts: bool = False,
    ) -> None:
        self._registry = registry
        self._depth = depth
        self.dialect = dialect
        self._reads_all_ints = reads_all_ints
        self._reads_unknown_tuples = reads_unknown_tuples
        self._reads_parts = reads_parts
        self._readers = Plans(registry.get_by_name, partial(TupleReader, values=registry.values))

    def decode(self, value: Json, depth: int = 0) -> Any:
        """Return the value that parsed JSON stands for.

        Raises:
            WireError: It stands for none; the path is that below ``value``.
        """
        kind = value.__class__
        if kind in PLAIN:
            return value
        if kind is list:
            return self._decode_items(value, depth)
        if kind is RowPart:
            return value
        if kind is not dict:
            raise expected("JSON", value)
        marker = value.get("_ct")
        if marker is not None:
            return self._decode_object(marker, value, depth)
        marker = value.get("_ft")
        if marker is not None:
            return self._decode_wrapper(marker, value, depth)
        return self._decode_dict(value, depth)

    def decode_payload(self, value: dict[str, Json], depth: int = 0) -> Payload:
        """Return the payload that an ``rp`` object stands for."""
        depth = self._descend(depth)
        filt = self._decode_member(value, "filt", dict, depth)
        if self._reads_parts and depth == 1:
            value = {**value, "tuples": read_parts(value.get("tuples"))}
        tuples = self._decode_member(value, "tuples", list, depth)
        date = self._decode_member(value, "date", dt.datetime, depth)
        return Payload(filt, () if tuples is None else tuples, date)

    def check_raw(self, value: Json, depth: int) -> Json:
        """Return plain JSON as it is.

        Raises:
            LimitExceeded: It is nested too deep.
            MalformedMessage: It has numbers that JSON has not.
        """
        kind = value.__class__
        if kind is float and not math.isfinite(value):
            raise expected("plain JSON", value)
        if kind not in PLAIN:
            depth = self._descend(depth)
            for item in value.values() if kind is dict else value:
                self.check_raw(item, depth)
        return value

    def decode_data(self, value: Json, depth: int) -> Any:
        """Return what stands for a value of a registered type; plain JSON as it is.

        Raises:
            WireError: It stands for none.
        """
        if value.__class__ in PLAIN:
            return value
        return self.decode(value, depth) if has_wrappers(value) else self.check_raw(value, depth)

    def get_reader(self, name: Json) -> TupleReader | GenericReader:
        """Return the reader of a tuple type.

        Raises:
            UnknownTupleType: Nothing is registered under the name.
        """
        reader = self._readers.get(name) if isinstance(name, str) else None
        if reader is not None:
            return reader
        if self._reads_unknown_tuples and name and isinstance(name, str):
            return GenericReader(name)
        self._registry.report_unknown(name)
        raise UnknownTupleType(f"Unknown tuple type {quoted(name)}", "")

    def decode_column(self, column: Json, depth: int) -> list[Any]:
        """Return the values of a column."""
        if column.__class__ is list:
            if PLAIN.issuperset(map(type, column)):
                return column
            return [v if v.__class__ in PLAIN else self.decode(v, depth) for v in column]
        if column.__class__ is not dict or column.get("_fd").__class__ is not list:
            raise expected("list", column)
        kind = column.get("_ft")
        return [
            None if data is None else self._decode_wrapper(kind, {"_fd": data}, depth)
            for data in column["_fd"]
        ]

    def _decode_items(self, value: list[Json], depth: int) -> list[Any]:
        depth = self._descend(depth)
        items: list[Any] = []
        try:
            for item in value:
                items.append(item if item.__class__ in PLAIN else self.decode(item, depth))
        except WireError as error:
            under(error, f"[{len(items)}]")
            raise
        return items

    def _decode_dict(self, value: dict[str, Json], depth: int) -> dict[Any, Any]:
        depth = self._descend(depth)
        decoded: dict[Any, Any] = {}
        are_exact = are_exact_text_keys(value)
        if not are_exact:
            check_hashes(list(map(read_key, value)))
        for key, item in value.items():
            try:
                decoded[key if are_exact else read_key(key)] = (
                    item if item.__class__ in PLAIN else self.decode(item, depth)
                )
            except WireError as error:
                under(error, f".{key}" if key.isidentifier() else f"[{quoted(key)}]")
                raise
        return decoded

    def _decode_object(self, marker: Json, value: dict[str, Json], depth: int) -> object:
        if marker == "rt":
            return self.get_reader(value.get("_c")).read(value, self, self._descend(depth))
        if marker == "rp":
            return self.decode_payload(value, depth)
        if marker == "rpe":
            return self._decode_envelope(value, depth)
        raise MalformedMessage(f"Unknown kind of object {quoted(marker)}", "")

    def _decode_envelope(self, value: dict[str, Json], depth: int) -> PayloadEnvelope:
        """Return an envelope inside data; its payload stays encoded, except in our own form."""
        depth = self._descend(depth)
        filt = self._decode_member(value, "filt", dict, depth)
        date = self._decode_member(value, "date", dt.datetime, depth)
        reply_filt = self._decode_member(value, "replyFilt", dict, depth)
        result = self._decode_member(value, "result", object, depth)
        payload = self._decode_member(value, "payload", Payload, depth)
        if payload is not None:
            return PayloadEnvelope(filt, payload, result=result, date=date, reply_filt=reply_filt)
        field = "data" if value.get("data") is not None else "encodedPayload"
        text = self._decode_member(value, field, object, depth)
        if not isinstance(text, str | bytes | None):
            raise expected("str", text)
        return PayloadEnvelope.received(
            {} if filt is None else filt,
            EncodedBody(text, self.dialect) if text else None,
            result=result,
            date=date,
            reply_filt=reply_filt,
        )

    def _decode_member(self, value: dict[str, Json], name: str, kind: type, depth: int) -> Any:
        try:
            decoded = self.decode(value.get(name), depth)
            if decoded is not None and not isinstance(decoded, kind):
                raise expected(kind.__name__, decoded)
        except WireError as error:
            under(error, f".{name}")
            raise
        return decoded

    def _decode_wrapper(self, marker: Json, value: dict[str, Json], depth: int) -> object:
        if "_fd" not in value:
            raise MalformedMessage(f"Wrapper of {quoted(marker)} has no '_fd'", "")
        data = value["_fd"]
        if data is None or marker == "null":
            return None
        try:
            if marker == "datetime":
                moment = read_datetime(data)
                if self.dialect is Dialect.D0 and moment.tzinfo is None:
                    moment = moment.replace(tzinfo=dt.UTC)
                return moment
            read = READERS.get(marker)
            if read is not None:
                read_value = read(data)
                if marker == "bigint" and not self._reads_all_ints:
                    check_decimal(read_value)
                return read_value
        except (*READER_ERRORS, DefinitionError):
            raise expected(str(marker), data) from None
        if marker == "dict" and isinstance(data, dict):
            return self._decode_dict(data, depth)
        make = CONTAINERS.get(marker)
        if make is None and marker != "dict" and self.dialect.is_native:
            return decode_field(self, marker, data, depth)
        if make is None and marker != "dict":
            raise MalformedMessage(f"Unknown field type {quoted(marker)}", "")
        if make is None or not isinstance(data, list):
            raise expected(str(marker), data)
        items = self._decode_items(data, depth)  # may run code of the application's classes
        try:
            return make(items)
        except READER_ERRORS:
            raise expected(str(marker), data) from None

    @property
    def registry(self) -> TupleRegistry:
        """Which types may be built."""
        return self._registry

    def _descend(self, depth: int) -> int:
        if depth >= self._depth:
            raise too_deep(self._depth)
        return depth + 1


def _make_set(items: list[Any]) -> set[Any]:
    check_hashes(items)
    return set(items)


def _make_map(pairs: list[Any]) -> dict[Any, Any]:
    check_hashes([key for key, _ in pairs])
    return dict(pairs)


CONTAINERS: dict[Any, Callable[[list[Any]], object]] = {
    "list": lambda items: items,
    "tuple": tuple,
    "set": _make_set,
    "frozenset": lambda items: frozenset(_make_set(items)),
    "map": _make_map,
}
"""By field type, what makes the container of its decoded items."""
