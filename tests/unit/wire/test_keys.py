"""Keys of dicts as texts, and back."""

from __future__ import annotations

import enum
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.exceptions import LimitExceeded
from django_vortex.wire.keys import check_hashes, is_exact_key, read_key, write_key


class Side(enum.Enum):
    LEFT = "left"
    NONE = 0


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("name", "name"),
        ("nan_total", "nan_total"),
        ("PayloadResponse.messageId", "PayloadResponse.messageId"),
        ("__vortexUuid__", "__vortexUuid__"),
        ("", ""),
        ("0x10", "0x10"),
        ("5", 5),
        ("05", 5),
        ("-1", -1),
        ("+4", 4),
        ("1_0", 10),
        (" 7 ", 7),
        ("٣", 3),
        ("1.5", 1.5),
        ("2.0", 2.0),
        ("1e3", 1000.0),
        ("inf", math.inf),
        ("-Infinity", -math.inf),
    ],
)
def test_text_is_read_as_vortexpy_reads_it(text: str, key: object) -> None:
    assert read_key(text) == key
    assert type(read_key(text)) is type(key)


@pytest.mark.parametrize("text", ["nan", "NaN", "-nan"])
def test_nan_is_read_as_nan(text: str) -> None:
    assert math.isnan(float(read_key(text)))


def test_number_longer_than_python_reads_is_still_a_key() -> None:
    assert read_key("9" * 10_000) == math.inf


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("name", "name"),
        ("_x", "_x"),
        ("_ct", "__ct"),
        ("_ft", "__ft"),
        (5, "5"),
        (0, "0"),
        (1.5, "1.5"),
        (None, "null"),
        (True, "true"),
        (Side.LEFT, "left"),
        (Side.NONE, "0"),
        ((1, 2), "(1, 2)"),
    ],
)
def test_key_is_written_as_the_nearest_text(key: object, text: str) -> None:
    assert write_key(key) == text


keys = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(["_ct", "_ft", "_x", "1", "nan", "1e5"]),
    st.tuples(st.integers()),
)


@given(keys)
def test_exact_keys_are_those_that_json_gives_back(key: Any) -> None:
    back = read_key(json.loads(json.dumps(write_key(key))))
    comes_back = type(back) is type(key) and back == key
    if is_exact_key(key):
        assert comes_back
    elif comes_back:
        # Held back all the same: released clients drop the falsy ones, JavaScript rounds the rest.
        assert not key or abs(key) > 2**53


def test_honest_keys_pass_in_any_number() -> None:
    check_hashes([*range(10_000), *(str(i) for i in range(1000)), -1, -2, 1.0, True])


@pytest.mark.parametrize("count", [100, 101])
def test_keys_made_to_have_one_hash_are_refused(count: int) -> None:
    keys = [i * (2**61 - 1) for i in range(count)]
    assert len(set(map(hash, keys))) == 1
    if count == 100:
        check_hashes(keys)
    else:
        with pytest.raises(LimitExceeded, match="More than 100 keys have equal hashes"):
            check_hashes(keys)
