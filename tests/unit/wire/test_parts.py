"""What has changed in a row, as it is written and as it is completed."""

import json
from typing import Any

import pytest

from django_vortex.exceptions import MalformedMessage
from django_vortex.tuples import Tuple, TupleRegistry, tuple_type
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.parts import RowPart, make_part
from django_vortex.wire.payload import Payload

registry = TupleRegistry()
CODEC = Codec(registry)
DEPTH = CODEC.limits.depth


@tuple_type("test.Row", registry=registry)
class Row(Tuple):
    """Takes anything."""

    id: int
    first: object = None
    second: object = None


@tuple_type("test.Other", registry=registry)
class Other(Tuple):
    """Has the same fields."""

    id: int
    first: object = None
    second: object = None


def write(row: object) -> bytes:
    (text,) = CODEC.encode_rows([row]).texts
    return text


def read_part(text: bytes) -> RowPart:
    (part,) = decode(Codec(registry, reads_parts=True), [text])
    assert isinstance(part, RowPart)
    return part


def decode(codec: Codec, texts: list[bytes], dialect: Dialect = Dialect.NATIVE) -> Any:
    text = b'{"_ct":"rp","filt":{},"tuples":[%b],"date":null}' % b",".join(texts)
    return codec.decode_inflated(text, dialect).tuples


VALUES = [None, 0, 1, 1.0, True, "", "a", "\u00fc\U0001f600", {"b": 1}, [Other(id=1)], b"y", {2}]


@pytest.mark.parametrize("before", VALUES, ids=repr)
@pytest.mark.parametrize("now", VALUES, ids=repr)
def test_completed_row_is_the_one_that_was_written(before: Any, now: Any) -> None:
    former, row = (write(Row(id=3, first="x" * 40, second=one)) for one in (before, now))
    text = make_part(former, row)
    fields = {} if former == row else {"second": json.loads(row)["second"]}
    assert json.loads(text) == {"_ct": "rtp", **fields}
    assert len(text) < len(row)
    text.decode("ascii")
    (completed,) = CODEC.decode_rows([read_part(text).complete(former, DEPTH)])
    assert write(completed) == row


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (Row(id=1), Other(id=1)),
        ("text", Row(id=1)),
        (Row(id=1), {"id": 1}),
        (Row(id=1, first="\ud800"), Row(id=1)),
    ],
    ids=["other type", "no row before", "no row now", "lone surrogate"],
)
def test_whole_row_is_sent_where_a_part_would_not_do(before: object, now: object) -> None:
    former, row = write(before), write(now)
    assert make_part(former, row) == row


@pytest.mark.parametrize("former", [b'"text"', b"null", b"[]", b'{"a":1}', b'{"_ct":"rp"}'])
def test_part_of_what_is_no_row_is_refused(former: bytes) -> None:
    with pytest.raises(MalformedMessage, match="no row"):
        RowPart({"a": 1}).complete(former, DEPTH)


def test_type_of_a_row_does_not_change() -> None:
    part = read_part(b'{"_ct":"rtp","first":1}')
    assert json.loads(part.complete(write(Row(id=1)), DEPTH))["_c"] == "test.Row"


PART = b'{"_ct":"rtp","id":1}'


def test_server_reads_no_parts() -> None:
    with pytest.raises(MalformedMessage, match="rtp"):
        decode(CODEC, [PART])


@pytest.mark.parametrize(
    "value", [b"[%b]", b'{"a":%b}', b'{"_ct":"rt","_c":"test.Row","first":%b}']
)
def test_parts_are_nowhere_else_than_among_the_tuples(value: bytes) -> None:
    with pytest.raises(MalformedMessage, match="rtp"):
        decode(Codec(registry, reads_parts=True), [value % PART])


def test_part_is_no_value_of_a_filt() -> None:
    codec = Codec(registry, reads_parts=True)
    text = b'{"_ct":"rp","filt":{"a":%b},"tuples":[],"date":null}' % PART
    with pytest.raises(MalformedMessage, match="rtp"):
        codec.decode_inflated(text, Dialect.NATIVE)


def test_released_dialects_have_no_parts() -> None:
    for dialect in (Dialect.D0, Dialect.D1, Dialect.D2):
        with pytest.raises(MalformedMessage, match="rtp"):
            decode(Codec(registry, reads_parts=True), [PART], dialect)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_parts_are_read_beside_whole_rows(place: int) -> None:
    rows = [Row(id=1), Row(id=2)]
    texts = [write(row) for row in rows]
    texts.insert(place, PART)
    read = decode(Codec(registry, reads_parts=True), texts)
    assert read.pop(place) == RowPart({"id": 1})
    assert read == rows


def test_payload_of_rows_is_what_was_written() -> None:
    rows = [Row(id=1), "text", None, Other(id=2, first=[1.5])]
    assert CODEC.decode_rows([write(row) for row in rows]) == rows
    assert CODEC.encode_payload(Payload({}, rows), Dialect.NATIVE).text
