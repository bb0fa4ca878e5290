"""The beginning of a message that cannot be read: enough of it to answer under its filt.

Takes the first part of a message of any dialect, gives the fields that are complete there, without
decoding any value. `reading` parses whole messages.
"""

from __future__ import annotations

import json
import re
from typing import Final

from isal import igzip_lib, isal_zlib

from django_vortex.exceptions import MalformedMessage
from django_vortex.typedefs import Json
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.framing import HEAD_BYTES, as_bytes
from django_vortex.wire.reading import ZLIB, decode_base64, get_dialect

MAX_FIELDS: Final = 16
"""How many fields are looked at; released clients write at most seven."""

_WRAPPED: Final[Json] = {"_ft": "bytes", "_fd": ""}
"""Stands for an object that is cut off: only payloads that are wrapped like bytes are."""

_read_value = json.JSONDecoder().raw_decode
_read_name = re.compile(r'[\s,]*"([^"\\]*)"\s*:\s*').match


def read_head(head: str | bytes, *, framed: bool) -> tuple[dict[str, Json], Dialect | None]:
    """Read what can be read of a message whose end is missing, broken or too far away.

    Args:
        head: Raw JSON or base64 from the message's first character on, cut anywhere.
        framed: Whether it came over HTTP, see `read_message`.

    Returns:
        The fields in the order they came, up to the first that is not complete, which has a
        stand-in for its value; none if it is no message. The dialect as far as they tell.
    """
    is_raw = head[:1] in ("{", b"{")
    try:
        data = head if is_raw else _decode_base64(as_bytes(head))
        is_d0 = not is_raw and framed and data[:1] == ZLIB
        text = _as_text(_inflate(as_bytes(data)) if is_d0 else data)
    except (MalformedMessage, igzip_lib.IsalError):  # type: ignore[misc]  # without a base
        return {}, None
    fields = _read_fields(text)
    if fields.get("_ct") != ("rp" if is_d0 else "rpe"):
        return {}, None
    return fields, Dialect.D0 if is_d0 else get_dialect(fields, is_raw=is_raw, framed=framed)


def _read_fields(text: str) -> dict[str, Json]:
    fields: dict[str, Json] = {}
    at = text.find("{") + 1
    unparsed = HEAD_BYTES  # a text may be as long as the message, all the rest together may not
    for _ in range(MAX_FIELDS):
        name = _read_name(text, at)
        if name is None:
            break
        at = name.end()
        is_text = text.startswith('"', at)
        rest, begin = (text, at) if is_text else (text[at : at + unparsed], 0)
        try:
            fields[name[1]], end = _read_value(rest, begin)
        except (ValueError, RecursionError):
            fields[name[1]] = _WRAPPED if rest.startswith("{", begin) else ""
            break
        at += end - begin
        unparsed -= 0 if is_text else end
    return fields


def _decode_base64(data: bytes) -> bytes:
    try:
        return decode_base64(data)
    except MalformedMessage:
        return decode_base64(data[:-1])  # one character alone says nothing


def _inflate(compressed: bytes) -> bytes:
    return bytes(isal_zlib.decompressobj().decompress(compressed, HEAD_BYTES))


def _as_text(data: str | bytes) -> str:
    if isinstance(data, str):
        return data
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        if error.end == len(data) and error.reason == "unexpected end of data":
            return data[: error.start].decode("utf-8", "surrogatepass")
        return data.decode("latin-1")  # as VortexJS writes it (PROTOCOL 5.2)
