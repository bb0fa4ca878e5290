"""One message to its fields."""

import base64
import json
import zlib
from typing import Any

import pytest

from django_vortex.exceptions import LimitExceeded, MalformedMessage, WireError
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.limits import Limits
from django_vortex.wire.reading import decode_base64, get_payload_text, read_message

LIMITS = Limits()
WRAPPED = {"_ft": "bytes", "_fd": base64.b64encode(b"eNo=").decode()}


def envelope(**fields: Any) -> bytes:
    return json.dumps({"_ct": "rpe", "filt": {"key": "k"}, **fields}).encode()


def b64(data: bytes) -> bytes:
    return base64.b64encode(data)


@pytest.mark.parametrize(
    ("piece", "framed", "dialect"),
    [
        (envelope(data=None), False, Dialect.D2),
        (envelope(encodedPayload=None), False, Dialect.D2),
        (b64(envelope(data="eNo=")), True, Dialect.D2),
        (b64(envelope(data=WRAPPED)), True, Dialect.D1B),
        (b64(envelope(data="eNo=")), False, Dialect.D1B),
        (b64(envelope(data=None)), False, Dialect.D1B),
        (b64(envelope(encodedPayload=None)), False, Dialect.D1),
        (b64(envelope(encodedPayload=None)), True, Dialect.D1),
        (b64(envelope(encodedPayload=WRAPPED)), True, Dialect.D1),
        (b64(envelope()), True, None),
        (b64(zlib.compress(b'{"_ct":"rp"}')), True, Dialect.D0),
    ],
)
def test_dialect_is_told_by_the_first_bytes_and_the_fields(
    piece: bytes, framed: bool, dialect: Dialect | None
) -> None:
    assert read_message(piece, LIMITS, framed=framed)[1] is dialect
    assert read_message(piece.decode(), LIMITS, framed=framed)[1] is dialect


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, None),
        ({"data": None}, None),
        ({"data": ""}, None),
        ({"data": "eNo="}, "eNo="),
        ({"encodedPayload": "eNo="}, "eNo="),
        ({"data": "eNo=", "encodedPayload": None}, "eNo="),
        ({"data": None, "encodedPayload": "eNo="}, "eNo="),
        ({"data": WRAPPED}, b"eNo="),
        ({"encodedPayload": WRAPPED}, b"eNo="),
        ({"encodedPayload": {"_ft": "bytes", "_fd": ""}}, None),
    ],
)
def test_payload_is_found_in_either_field_and_either_spelling(
    fields: dict[str, Any], text: str | bytes | None
) -> None:
    assert get_payload_text(fields) == text


@pytest.mark.parametrize(
    "payload", [5, True, [], {}, {"_ft": "int", "_fd": 5}, {**WRAPPED, "_fd": 1}]
)
@pytest.mark.parametrize("field", ["data", "encodedPayload"])
def test_anything_else_is_no_payload(field: str, payload: Any) -> None:
    with pytest.raises(MalformedMessage) as caught:
        get_payload_text({field: payload})
    assert caught.value.path == f"$.{field}"


@pytest.mark.parametrize("text", ["aGk=", "aGk", b"aGk", "a\nG-k=", "a\u00e9Gk=", "aGk\ud800="])
def test_base64_is_read_leniently(text: str | bytes) -> None:
    assert decode_base64(text) == b"hi"


def test_a_single_character_too_many_is_not_base64() -> None:
    with pytest.raises(MalformedMessage, match="neither JSON nor base64"):
        decode_base64("aGlhb")


def test_latin_1_is_read_where_utf_8_fails() -> None:
    message = '{"_ct":"rpe","filt":{"key":"Zoë"}}'
    for encoding in ("utf-8", "latin-1"):
        for piece in (message.encode(encoding), b64(message.encode(encoding))):
            assert read_message(piece, LIMITS, framed=False)[0]["filt"] == {"key": "Zoë"}


@pytest.mark.parametrize(
    "piece",
    [
        b"{",
        '{"_ct":"rpe"',
        b"[]",
        b"!!!!",
        b"\xff",
        b64(b"[]"),
        b64(b"5"),
        b64(b"null"),
        b64(b""),
        b64(b'{"_ct":"rp"}'),
        b'{"_ct":["rpe"]}',
        b"{}",
        b64(b"\x78junk"),
        b64(zlib.compress(b'{"_ct":"rpe"}')),
        b64(zlib.compress(b"junk")),
        b64(zlib.compress(b'{"_ct":"rp"}')[:-3]),
    ],
)
def test_what_is_no_message_is_malformed(piece: str | bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_message(piece, LIMITS, framed=True)


@pytest.mark.parametrize("piece", [b'{"filt":' * 100_000, b64(b"[" * 100_000)])
def test_deep_nesting_ends_in_a_wire_error(piece: bytes) -> None:
    with pytest.raises(WireError):
        read_message(piece, LIMITS, framed=False)


def test_a_d0_bomb_stops_at_the_limit() -> None:
    bomb = b64(zlib.compress(b" " * 1_000_000))
    with pytest.raises(LimitExceeded, match=r"max_inflated_bytes \(1000\)"):
        read_message(bomb, Limits(inflated_bytes=1000), framed=True)
