"""The short cut for usual filts gives what the codec gives."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.wire import keys
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.plain import read_plain, read_plain_date, write_plain

CODEC = Codec()

keys_of_filts = st.text(max_size=6) | st.sampled_from(
    ["key", "5", "1.5", "nan", "", "_ct", "_ft", "_x", "é", "PayloadResponse.messageId"]
)
values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**54), 2**54)
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["\ud800", "世"])
    | st.lists(st.integers(), max_size=2)
)
filts = st.dictionaries(keys_of_filts | st.integers(), values, max_size=4)


@given(filts | values, st.sampled_from(list(Dialect)))
def test_short_cut_writes_what_the_codec_writes(value: Any, dialect: Dialect) -> None:
    text = write_plain(value)
    if text is not None:
        assert text.isascii()
        assert json.loads(text) == json.loads(
            CODEC.encode_json(CODEC.encode_value(value, dialect), dialect)
        )


@given(filts.map(lambda filt: {str(key): value for key, value in filt.items()}))
def test_short_cut_reads_what_the_codec_reads(source: Any) -> None:
    plain = read_plain(source)
    if plain is not None:
        for dialect in Dialect:
            assert repr(plain) == repr(CODEC.decode_value(source, dialect))


@pytest.mark.parametrize(
    "filt", [{"key": "a"}, {}, {"key": "Zoë", "id": 5, "delete": True, "PayloadResponse.x": None}]
)
def test_usual_filts_take_the_short_cut(filt: dict[str, Any]) -> None:
    assert write_plain(filt) is not None
    assert read_plain(filt) is filt


@pytest.mark.parametrize(
    "filt", [{"5": "a"}, {"": 1}, {"_ct": "rt"}, {"a": [1]}, {"a": {"_ft": "int", "_fd": 1}}]
)
def test_unusual_filts_do_not(filt: dict[str, Any]) -> None:
    assert read_plain(filt) is None


@pytest.mark.parametrize("value", [{5: "a"}, {"a": 2**60}, {"a": 1.5}, "\ud800", 5, [], object()])
def test_unusual_values_are_left_to_the_codec(value: Any) -> None:
    assert write_plain(value) is None


def test_writing_changes_no_filt() -> None:
    filt = {"key": "a", "id": 5}
    assert json.loads(write_plain(filt) or b"") == {"key": "a", "id": {"_ft": "int", "_fd": 5}}
    assert filt == {"key": "a", "id": 5}


def test_keys_of_peers_do_not_pile_up() -> None:
    for number in range(2 * keys.MAX_KNOWN_KEYS):
        assert read_plain({f"key number {number}": 1}) is not None
    assert read_plain({"k" * 1000: 1}) is not None
    assert len(keys._known_keys) <= keys.MAX_KNOWN_KEYS
    assert max(map(len, keys._known_keys)) <= keys.MAX_KNOWN_KEY_CHARACTERS
    keys._known_keys.clear()


@pytest.mark.parametrize(
    ("source", "is_usual"),
    [
        ({"_ft": "datetime", "_fd": "2024-01-02 03:04:05.678901+1000"}, True),
        ({"_ft": "datetime", "_fd": "2024-01-02T03:04:05.678Z"}, True),
        ({"_ft": "datetime", "_fd": "2024-01-02 03:04:05.678901"}, False),
        ({"_ft": "datetime", "_fd": "999-01-02 03:04:05.678901+0000"}, False),
        ({"_ft": "datetime", "_fd": "Invalid date"}, False),
        ({"_ft": "datetime", "_fd": 5}, False),
        ({"_ft": "datetime"}, False),
        ({"_ft": "int", "_fd": 5}, False),
        (None, False),
        ("soon", False),
    ],
)
def test_short_cut_reads_dates_that_have_a_zone(source: Any, is_usual: bool) -> None:
    date = read_plain_date(source)
    assert (date is not None) is is_usual
    if is_usual:
        assert all(CODEC.decode_value(source, dialect) == date for dialect in Dialect)
