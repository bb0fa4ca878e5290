"""Whole messages: the text of one message to the fields of an envelope (PROTOCOL 2.4 and 5.2).

Takes a piece without framing, gives its parsed JSON and the dialect it is written in, without
decoding any value. `messages` is the other direction.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable
from typing import Any

import msgspec

from django_vortex.exceptions import MalformedMessage, quoted
from django_vortex.typedefs import Json
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.framing import as_bytes
from django_vortex.wire.inflate import inflate_bytes
from django_vortex.wire.json_text import check_containers, read_json, write_json
from django_vortex.wire.limits import D0_CONTAINERS, ENVELOPE_VALUES, Limits


class _Envelope(msgspec.Struct, rename={"kind": "_ct"}, gc=False):
    """An envelope of one of our own ends."""

    kind: Any = None
    filt: Any = None
    result: Any = None
    date: Any = None
    data: Any = None
    encodedPayload: Any = None
    payload: msgspec.Raw = msgspec.Raw(b"")
    pieces: Any = None

    def fields(self) -> dict[str, Json]:
        """Return what is parsed."""
        return {
            "_ct": self.kind,
            "filt": self.filt,
            "result": self.result,
            "date": self.date,
            "data": self.data,
            "encodedPayload": self.encodedPayload,
            "pieces": self.pieces,
        }


_read_struct = msgspec.json.Decoder(_Envelope).decode

ZLIB = b"\x78"
"""First byte of a D0 message, which is compressed as a whole."""


def read_message(
    piece: str | bytes,
    limits: Limits,
    *,
    framed: bool,
    inflate: Callable[[bytes], bytes] | None = None,
    dialect: Dialect | None = None,
) -> tuple[dict[str, Json], Dialect | None]:
    """Parse one message of any dialect.

    Args:
        piece: Raw JSON or base64, not empty.
        limits: Bounds for a D0 message, which is compressed as a whole, and for the JSON.
        framed: Whether it came over HTTP, where D2 looks like D1b, and the only way of D0.
        inflate: Decompresses a D0 message, by default up to the limit.
        dialect: What the peer speaks, as far as it is known.

    Returns:
        The fields of an envelope, or those of a payload if the dialect is D0; the dialect is
        None when nothing in the message tells. A payload that stands in the envelope as it is
        stays JSON text.

    Raises:
        WireError: It is no message.
    """
    is_raw = piece[:1] in ("{", b"{")
    text = piece if is_raw else decode_base64(piece)
    if not is_raw and text[:1] == ZLIB:
        if not framed:
            raise MalformedMessage("Compressed messages are understood over HTTP only")
        compressed = as_bytes(text)
        text = (
            inflate_bytes(compressed, limits.inflated_bytes)
            if inflate is None
            else inflate(compressed)
        )
        check_containers(text, D0_CONTAINERS)
        return _checked(read_json(text, limits.depth), "rp"), Dialect.D0
    check_containers(text, ENVELOPE_VALUES)
    if dialect is not None and dialect.has_short_payloads:
        return _read_native(text, limits.depth), dialect
    fields = _checked(_read_json(text, limits.depth), "rpe")
    return fields, get_dialect(fields, is_raw=is_raw, framed=framed)


def _read_native(text: str | bytes, depth: int) -> dict[str, Json]:
    """Parse an envelope, but not the payload in it: the plan of its tuples reads it faster."""
    try:
        message = _read_struct(text)
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError):
        # Numbers and texts that only the standard library reads, or an error to be told.
        fields = _checked(_read_json(text, depth), "rpe")
        if fields.get("payload") is not None:
            fields["payload"] = check_payload(write_json(fields["payload"]))
        return fields
    fields = _checked(message.fields(), "rpe")
    payload = bytes(message.payload)
    fields["payload"] = None if payload in (b"", b"null") else check_payload(payload)
    return fields


def check_payload(json: bytes) -> bytes:
    """Return the JSON of a payload, which has to be an object.

    Raises:
        MalformedMessage: It is something else.
    """
    if not json.startswith(b"{"):
        raise MalformedMessage(f"Expected an object, got {quoted(json)}", "$.payload")
    return json


def get_payload_text(fields: dict[str, Json]) -> str | bytes | None:
    """Return the encoded payload out of the fields of an envelope, None when there is none.

    Either field may hold it, as text or wrapped like bytes; the other one is then null.

    Raises:
        MalformedMessage: It is something else.
    """
    name = "data" if fields.get("data") is not None else "encodedPayload"
    payload = fields.get(name)
    if payload is None or isinstance(payload, str):
        return payload or None
    if _is_wrapped(payload) and isinstance(payload["_fd"], str):
        return decode_base64(payload["_fd"]) or None
    raise MalformedMessage(f"Expected an encoded payload, got {quoted(payload)}", f"$.{name}")


def decode_base64(text: str | bytes) -> bytes:
    """Decode base64 as VortexPY does, ignoring what is foreign, and a missing end as well."""
    data = as_bytes(text)
    try:
        return a2b_base64(data)
    except Base64Error:
        try:
            return a2b_base64(data + b"==")
        except Base64Error:
            raise MalformedMessage("Message is neither JSON nor base64") from None


def _read_json(text: str | bytes, depth: int) -> Json:
    try:
        return read_json(text, depth)
    except MalformedMessage:
        if isinstance(text, str):
            raise
        # VortexJS writes a filt with characters up to U+00FF in Latin-1 (PROTOCOL 5.2).
        try:
            text.decode()
        except UnicodeDecodeError:
            return read_json(text.decode("latin-1"), depth)
        raise


def _checked(fields: Any, kind: str) -> dict[str, Json]:
    if not isinstance(fields, dict) or fields.get("_ct") != kind:
        raise MalformedMessage(f"Expected an object with `_ct` {kind!r}, got {quoted(fields)}")
    return fields


def get_dialect(fields: dict[str, Json], *, is_raw: bool, framed: bool) -> Dialect | None:
    """Tell the dialect of an envelope by its fields, None when nothing tells."""
    if is_raw:
        return Dialect.D2
    if "data" in fields:
        # On HTTP both are base64, only the bytes in the field tell the old from the new.
        return Dialect.D2 if framed and not _is_wrapped(fields["data"]) else Dialect.D1B
    return Dialect.D1 if "encodedPayload" in fields else None


def _is_wrapped(payload: Json) -> bool:
    return isinstance(payload, dict) and payload.get("_ft") == "bytes" and "_fd" in payload
