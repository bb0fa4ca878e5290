"""What released clients make of the bytes of a server, with nothing but the standard library.

Takes one message as it stands on the wire, gives a `Message`; raises `Unreadable` where that client
would log, stall or drop it (PROTOCOL 2, 3 and 18). Independent of ``django_vortex`` on purpose.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NoReturn

MAX_EXACT_JS_INTEGER = 2**53

SERVER_INFO_KEYS = {"__vortexUuid__", "__vortexName__"}


class Unreadable(AssertionError):
    """The client can make nothing of what the server wrote."""


@dataclass(frozen=True)
class Record:
    """A tuple object, with what the client sees of its fields."""

    type_name: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class ReadPayload:
    """A payload as the client sees it."""

    filt: dict[Any, Any]
    tuples: list[Any]
    date: datetime | None


@dataclass(frozen=True)
class Message:
    """A message as the client sees it.

    Attributes:
        filt: What it is routed by.
        payload: None where the client finds none.
        result: None or True for success.
        date: None where it has none.
        is_server_info: Whether it introduces the server; VortexJS loses those keys of the filt.
        reply_filt: Of a D0 payload.
    """

    filt: dict[Any, Any]
    payload: ReadPayload | None
    result: Any
    date: datetime | None
    is_server_info: bool
    reply_filt: dict[Any, Any] | None = None

    @property
    def key(self) -> Any:
        return self.filt.get("key")

    @property
    def tuples(self) -> list[Any]:
        if self.payload is None:
            raise Unreadable(f"No payload in {self!r}")
        return self.payload.tuples


def read_js(text: str) -> Message:
    """Read like VortexJS 2.4.2: base64 without a dot, ``encodedPayload``, one kind of number."""
    fields = _parse(_latin_1(_strict_base64(text)), allow_nan=False)
    if not isinstance(fields, dict) or fields.get("_ct") != "rpe":
        raise Unreadable(f"Not an envelope: {fields!r}")
    sent_filt = fields.get("filt")
    filt = js_value(sent_filt) or {}
    encoded = js_value(fields.get("encodedPayload"))
    payload = None
    if encoded:
        if not isinstance(encoded, str):
            raise Unreadable(f"encodedPayload is no string: {encoded!r}")
        inner = _parse(_utf_8(_inflate(_strict_base64(encoded))), allow_nan=False)
        payload = _payload(inner, js_value)
    return Message(
        filt,
        payload,
        js_value(fields.get("result")),
        js_value(fields.get("date")),
        isinstance(sent_filt, dict) and set(sent_filt) == SERVER_INFO_KEYS,
    )


def read_vortexpy_2(piece: str) -> Message:
    """Read like VortexPY 2.4.3: base64, ``encodedPayload`` as text or wrapped like bytes."""
    return _read_vortexpy(piece, "encodedPayload")


def read_vortexpy_3_1(piece: str) -> Message:
    """Read like VortexPY 3.1: the field is ``data``, and the other may not hold a text."""
    return _read_vortexpy(piece, "data")


def _read_vortexpy(piece: str, field: str) -> Message:
    fields = _parse(_utf_8(_strict_base64(piece)), allow_nan=False)
    if not isinstance(fields, dict) or fields.get("_ct") != "rpe":
        raise Unreadable(f"Not an envelope: {fields!r}")
    if field == "data" and isinstance(fields.get("encodedPayload"), str):
        raise Unreadable("AssertionError in VortexPY 3.1: encodedPayload is a text")
    filt = vortexpy_value(fields.get("filt"))
    encoded = vortexpy_value(fields.get(field))
    payload = None
    if encoded:
        text = encoded.decode() if isinstance(encoded, bytes) else encoded
        inner = _parse(_utf_8(_inflate(_strict_base64(text))), allow_nan=False)
        payload = _payload(inner, vortexpy_value)
    return Message(
        filt,
        payload,
        vortexpy_value(fields.get("result")),
        vortexpy_value(fields.get("date")),
        set(filt) == SERVER_INFO_KEYS,
    )


def read_d0(piece: str) -> Message:
    """Read like VortexPY 0.3.0: the whole message is one compressed payload."""
    if not piece:
        raise Unreadable("A piece that begins with a dot stalls the client for ever")
    fields = _parse(_utf_8(_inflate(_strict_base64(piece))), allow_nan=True)
    if not isinstance(fields, dict) or fields.get("_ct") != "rp":
        raise Unreadable(f"Not a payload: {fields!r}")
    values = {name: d0_value(item) for name, item in fields.items() if not name.startswith("_")}
    missing = {"filt", "replyFilt", "tuples", "result", "date"} - set(values)
    if missing:
        raise Unreadable(f"A payload of 0.3.0 has the fields {sorted(missing)}, too")
    payload = ReadPayload(values["filt"], values["tuples"], values["date"])
    return Message(
        values["filt"],
        payload,
        values["result"],
        values["date"],
        set(values["filt"]) == SERVER_INFO_KEYS,
        values["replyFilt"],
    )


def is_empty_in_js(message: Message) -> bool:
    """Apply the rule by which VortexJS does not route a message (PROTOCOL 4.4)."""
    return not message.filt and message.payload is None and message.result is None


def js_value(value: Any) -> Any:
    """Return what VortexJS makes of a value; datetimes are UTC, cut to milliseconds."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return value if abs(value) <= MAX_EXACT_JS_INTEGER else float(value)
    if isinstance(value, list):
        return [js_value(item) for item in value]
    shown = {name: item for name, item in value.items() if not name.startswith("_")}
    if value.get("_ct") is not None:
        return _js_object(value, shown)
    if value.get("_ft") is not None:
        return _field(value, JS_FIELDS)
    return {name: js_value(item) for name, item in shown.items()}


def _js_object(value: dict[str, Any], shown: dict[str, Any]) -> Any:
    kind = value["_ct"]
    if kind == "rt":
        return Record(value["_c"], {name: js_value(item) for name, item in shown.items()})
    if kind == "rp":
        return _payload(value, js_value)
    raise Unreadable(f"VortexJS alerts about the class type {kind!r}")


def vortexpy_value(value: Any) -> Any:
    """Return what VortexPY 2.4.3 makes of a value."""
    return _python_value(value, VORTEXPY_FIELDS, vortexpy_value)


def d0_value(value: Any) -> Any:
    """Return what VortexPY 0.3.0 makes of a value."""
    return _python_value(value, D0_FIELDS, d0_value)


def _python_value(
    value: Any, readers: Mapping[str, Callable[[Any], Any]], read: Callable[[Any], Any]
) -> Any:
    if isinstance(value, list):
        return [read(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("_ct") == "rt":
        fields = {name: read(item) for name, item in value.items() if not name.startswith("_")}
        return Record(value["_c"], fields)
    if value.get("_ct") == "rp":
        return _payload(value, read)
    if value.get("_ct") is not None:
        raise Unreadable(f"VortexPY raises KeyError for the class type {value['_ct']!r}")
    if "_ft" in value:
        return _field(value, readers)
    return {_python_key(name): read(item) for name, item in value.items()}


def _python_key(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _payload(value: Any, read: Callable[[Any], Any]) -> ReadPayload:
    if not isinstance(value, dict) or value.get("_ct") != "rp":
        raise Unreadable(f"Not a payload: {value!r}")
    return ReadPayload(read(value["filt"]), read(value["tuples"]), read(value["date"]))


def _field(value: dict[str, Any], readers: Mapping[str, Callable[[Any], Any]]) -> Any:
    kind = value["_ft"]
    if kind not in readers:
        raise Unreadable(f"No such field type: {kind!r}")
    return readers[kind](value["_fd"])


_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{6})(?:([+-])(\d\d)(\d\d))?", re.ASCII
)


def _moment(text: str, *, zone: bool | None) -> datetime:
    """Read ``%Y-%m-%d %H:%M:%S.%f%z``; ``zone`` says whether there must be one, None may be."""
    match = _MOMENT.fullmatch(text)
    if match is None or (zone is not None and zone is not (match[8] is not None)):
        raise Unreadable(f"Not a datetime for this client: {text!r}")
    parts = [int(part) for part in match.groups()[:7]]
    moment = datetime(parts[0], *parts[1:])  # type: ignore[arg-type]
    if match[8] is None:
        return moment
    offset = timedelta(hours=int(match[9]), minutes=int(match[10]))
    return moment.replace(tzinfo=timezone(offset if match[8] == "+" else -offset))


def _js_date(text: str) -> datetime:
    moment = _moment(text, zone=None)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


JS_FIELDS: dict[str, Callable[[Any], Any]] = {
    "int": js_value,
    "datetime": _js_date,
    "bytes": lambda text: _strict_base64(text).decode("latin-1"),
}

VORTEXPY_FIELDS: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "datetime": lambda text: _moment(text, zone=None),
    "bytes": lambda text: _strict_base64(text),
}

D0_FIELDS: dict[str, Callable[[Any], Any]] = {
    "int": int,
    "datetime": lambda text: _moment(text, zone=False),
}


def _strict_base64(text: Any) -> bytes:
    if not isinstance(text, str) or not text.isascii():
        raise Unreadable(f"Not base64: {text[:60]!r}")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Unreadable(f"Not base64 ({error}): {text[:60]!r}") from error


def _latin_1(data: bytes) -> str:
    if not data.isascii():
        raise Unreadable(f"VortexJS shows mojibake for what is not ASCII: {data[:60]!r}")
    return data.decode("latin-1")


def _utf_8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"Not UTF-8: {data[:60]!r}") from error


def _inflate(data: bytes) -> bytes:
    try:
        return zlib.decompress(data)
    except zlib.error as error:
        raise Unreadable(f"Not a zlib stream: {data[:20]!r}") from error


def _parse(text: str, *, allow_nan: bool) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise Unreadable(f"{constant} is not JSON")

    try:
        return json.loads(text, parse_constant=None if allow_nan else refuse)
    except json.JSONDecodeError as error:
        raise Unreadable(f"Not JSON ({error}): {text[:60]!r}") from error
