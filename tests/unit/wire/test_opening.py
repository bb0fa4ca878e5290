"""What both ends say of a session when a stream begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.wire.counts import read_counts, write_counts
from django_vortex.wire.opening import Opening, SessionInfo, read_opening, read_session_info

KEY = "AbCdEfGhIjKlMnOpQrStUv"
numbers = st.integers(0, 10**14)


@given(numbers, numbers, numbers, st.booleans(), st.booleans())
def test_opening_is_read_as_it_was_written(since, received, first, continues, wants_short):
    opening = Opening(KEY, since, since + 1, received, first + 1, continues, wants_short)
    assert read_opening(opening.to_text()) == opening


@pytest.mark.parametrize(
    "text",
    [
        "",
        KEY,
        f"{KEY}.0.1.0",
        f"{KEY}.0.0.0.1",
        f"{KEY}.0.1.0.0",
        f"{KEY}.2.1.0.1",
        f"{KEY}.0.1.0.-1",
        f"{KEY}.0.1.0.1.C",
        f"{KEY}.0.1.0.1 ",
        f"{KEY}.0.1.٣.1",
        f"{KEY[1:]}.0.1.0.1",
        f"{KEY * 4}.0.1.0.1",
        f"{KEY}.0.{10**15}.0.1",
    ],
)
def test_what_is_no_opening_is_none(text):
    assert read_opening(text) is None


def test_letters_of_a_later_version_are_ignored():
    opening = read_opening(f"{KEY}.0.1.0.1.czy")
    assert opening == Opening(KEY, 0, 1, 0, 1, continues=True)


def test_info_is_read_as_it_was_written():
    info = SessionInfo(True, 1, 2, 3, 30.0)
    assert read_session_info(info.to_record()) == info


@pytest.mark.parametrize("record", [None, {}, {"resumed": True}, "yes", [1], {"resumed": 1}])
def test_what_says_nothing_of_a_session_is_none(record):
    assert read_session_info(record) is None


@pytest.mark.parametrize("as_bytes", [False, True])
@given(numbers, numbers)
def test_counts_are_read_as_they_were_written(as_bytes, received, sent):
    text = write_counts(received, sent).removesuffix(".")
    assert read_counts(text.encode() if as_bytes else text) == (received, sent)


@pytest.mark.parametrize("text", ["", "1", "1,", ",1", "1,2,3", "1, 2", "-1,2", "٣,1", "1" * 40])
def test_what_is_no_count_is_none(text):
    assert read_counts(text) is None
    assert read_counts(text.encode()) is None
