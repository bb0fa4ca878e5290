"""The readers of the scripted peers refuse what the released clients cannot read."""

import base64
import json
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.interop.readers import (
    Record,
    Unreadable,
    d0_value,
    is_empty_in_js,
    js_value,
    read_d0,
    read_js,
    read_vortexpy_2,
    read_vortexpy_3_1,
    vortexpy_value,
)

DATE = {"_ft": "datetime", "_fd": "2024-01-02 03:04:05.678901+0000"}
D0_DATE = {"_ft": "datetime", "_fd": "2024-01-02 03:04:05.678901"}


def b64(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def deflated(value: Any) -> str:
    return b64(zlib.compress(json.dumps(value).encode()))


PAYLOAD = deflated({"_ct": "rp", "filt": {"key": "k"}, "tuples": ["世"], "date": DATE})
WRAPPED = {"_ft": "bytes", "_fd": b64(PAYLOAD)}


def envelope(**fields: Any) -> str:
    return json.dumps({"_ct": "rpe", "filt": {"key": "k"}, "result": None, "date": DATE, **fields})


def d0(**fields: Any) -> dict[str, Any]:
    empty = {"filt": {}, "replyFilt": {}, "tuples": [], "result": None, "date": D0_DATE}
    return {"_ct": "rp", **empty, **fields}


ENVELOPE_READERS = [read_js, read_vortexpy_2, read_vortexpy_3_1]


@pytest.mark.parametrize("read", [*ENVELOPE_READERS, read_d0])
@pytest.mark.parametrize(
    "piece",
    [
        envelope(),
        b64(envelope()) + ".",
        "." + b64(envelope()),
        b64(envelope())[:-1] + "!",
        b64("[]"),
        b64("junk"),
        b64('{"_ct":"other"}'),
        b64(b"\xff\xfe"),
        "",
    ],
)
def test_nobody_reads_raw_json_dots_or_junk(read: Any, piece: str) -> None:
    with pytest.raises(Unreadable):
        read(piece)


def test_payload_must_be_in_the_field_of_the_client() -> None:
    old, new = b64(envelope(encodedPayload=PAYLOAD)), b64(envelope(data=PAYLOAD))
    assert read_js(old).tuples == read_vortexpy_2(old).tuples == ["世"]
    assert read_vortexpy_3_1(new).tuples == ["世"]
    assert read_js(new).payload is None
    assert read_vortexpy_2(new).payload is None
    with pytest.raises(Unreadable, match="encodedPayload is a text"):
        read_vortexpy_3_1(old)


def test_wrapped_payload_is_for_python_only() -> None:
    assert read_vortexpy_2(b64(envelope(encodedPayload=WRAPPED))).tuples == ["世"]
    assert read_vortexpy_3_1(b64(envelope(data=WRAPPED))).tuples == ["世"]


def test_browser_needs_ascii_and_true_json() -> None:
    for text in (
        '{"_ct":"rpe","filt":{"key":"Zoë"}}',
        '{"_ct":"rpe","filt":{"key":"k"},"result":NaN}',
    ):
        with pytest.raises(Unreadable):
            read_js(b64(text))


def test_browser_loses_keys_with_an_underscore_but_knows_the_server() -> None:
    message = read_js(b64(envelope(filt={"__vortexUuid__": "u", "__vortexName__": "n"})))
    assert message.filt == {}
    assert message.is_server_info
    assert is_empty_in_js(message)
    assert not is_empty_in_js(read_js(b64(envelope(filt={"key": "k"}))))


def test_d0_reads_one_payload_with_all_its_fields() -> None:
    message = read_d0(deflated(d0(filt={"key": "k"}, tuples=[{"_ft": "int", "_fd": 5}])))
    assert (message.key, message.tuples, message.reply_filt) == ("k", [5], {})
    fields = d0()
    del fields["result"]
    for wrong in (fields, d0(date=DATE), d0(tuples=[WRAPPED])):
        with pytest.raises(Unreadable):
            read_d0(deflated(wrong))


@pytest.mark.parametrize(
    ("value", "in_js", "in_python"),
    [
        (None, None, None),
        (True, True, True),
        ("Zoë", "Zoë", "Zoë"),
        ({"_ft": "int", "_fd": 5}, 5, 5),
        ({"_ft": "int", "_fd": 2**60 + 1}, float(2**60), 2**60 + 1),
        ({"_ft": "bytes", "_fd": "AP8="}, "\x00\xff", b"\x00\xff"),
        ({"5": [1.5], "_x": 1}, {"5": [1.5]}, {5: [1.5], "_x": 1}),
        ({"_ct": "rt", "_c": "a.B", "f": 1, "_g": 2}, Record("a.B", {"f": 1}), None),
    ],
)
def test_values_are_what_each_language_makes_of_them(
    value: Any, in_js: Any, in_python: Any
) -> None:
    assert js_value(value) == in_js
    expected = in_js if isinstance(in_js, Record) else in_python
    assert vortexpy_value(value) == expected


def test_datetimes_are_cut_to_milliseconds_in_the_browser_only() -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, 678901, UTC)
    assert js_value(DATE) == moment.replace(microsecond=678000)
    assert vortexpy_value(DATE) == moment
    assert d0_value(D0_DATE) == moment.replace(tzinfo=None)


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-02",
        "2024-01-02T03:04:05.678901+0000",
        "2024-01-02 03:04:05",
        "999-01-02 03:04:05.0",
    ],
)
def test_other_datetimes_are_invalid(text: str) -> None:
    for read in (js_value, vortexpy_value, d0_value):
        with pytest.raises(Unreadable):
            read({"_ft": "datetime", "_fd": text})


@pytest.mark.parametrize("value", [{"_ft": "decimal", "_fd": "1"}, {"_ct": "gen"}, {"_ct": "rpe"}])
def test_types_of_newer_dialects_are_refused(value: dict[str, Any]) -> None:
    for read in (js_value, vortexpy_value, d0_value):
        with pytest.raises(Unreadable):
            read(value)
