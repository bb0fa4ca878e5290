"""JSON text, both ways."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from django_vortex.exceptions import LimitExceeded, MalformedMessage
from django_vortex.wire.json_text import escape_json, read_json, write_json

TEXTS = st.text(st.characters(exclude_categories=()))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
@example(["\ud800", "\udc00\ud800", "😀", math.nan, -math.inf, 10**30, -0.0])
def test_what_is_written_is_ascii_and_is_read_again(value: Any) -> None:
    text = write_json(value)
    assert text.isascii()
    assert repr(read_json(text, 64)) == repr(value)
    assert repr(read_json(text.decode("ascii"), 64)) == repr(value)


def test_text_is_compact() -> None:
    assert write_json({"a": [1, "é", None]}) == b'{"a":[1,"\\u00e9",null]}'


@given(JSON)
def test_reader_reads_what_the_standard_library_reads(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=True)
    assert repr(read_json(text, 64)) == repr(json.loads(text))


@given(st.text())
@example("é, 世界 and 😀 in one")
def test_escaping_changes_no_content(value: str) -> None:
    text = json.dumps({value: value}, ensure_ascii=False).encode()
    escaped = escape_json(text)
    assert escaped.isascii()
    assert json.loads(escaped) == {value: value}


def test_numbers_beyond_every_machine_type_are_read() -> None:
    assert read_json("123456789012345678901234567890", 64) == 123456789012345678901234567890
    assert read_json("[1e999]", 64) == [math.inf]
    assert str(read_json("-0.0", 64)) == "-0.0"


@pytest.mark.parametrize("text", ["", "{", "[1,]", "nul", b"\xff", "'a'", "9" * 5000, b"[1]\x00"])
def test_what_is_no_json_is_malformed(text: str | bytes) -> None:
    with pytest.raises(MalformedMessage, match="Message is not JSON"):
        read_json(text, 64)


@pytest.mark.parametrize("opening", ["[", '{"a":', "[NaN,"])
def test_nesting_beyond_the_parser_is_a_limit(opening: str) -> None:
    with pytest.raises(LimitExceeded, match=r"nested deeper than max_depth \(64\)"):
        read_json(opening * 200_000, 64)
