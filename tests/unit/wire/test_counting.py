"""Counting of a session: nothing is taken twice, nothing is left out, whatever happens between."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.wire.counting import (
    MAX_UNACKNOWLEDGED,
    MAX_UNACKNOWLEDGED_BYTES,
    MIN_END_SECONDS,
    TELL_BYTES,
    TELL_MESSAGES,
    Arrivals,
    Suspicion,
    Window,
)


@pytest.fixture
def window() -> Window[str]:
    return Window(len)


def test_window_numbers_messages_and_forgets_what_is_acknowledged(window):
    for text in ("a", "bb", "ccc"):
        window.add(text)
    assert (window.last, window.written, window.size) == (3, 3, 6)
    assert window.acknowledge(2)
    assert (list(window), window.size, window.acknowledged) == (["ccc"], 3, 2)
    assert window.acknowledge(3)
    assert not len(window)


def test_window_refuses_counts_that_cannot_be(window):
    window.add("a")
    assert not window.acknowledge(2), "more than there are"
    assert window.acknowledge(1)
    assert not window.acknowledge(0), "less than before"
    window.add("b")
    window.rewind()
    assert not window.acknowledge(2), "the numbers of this stream would not fit any more"
    assert window.take_unwritten() == "b"
    assert window.acknowledge(2)


def test_window_writes_once_more_from_where_it_is_told(window):
    for text in "abcd":
        window.add(text)
    window.rewind(2)
    assert window.written == 2
    assert [window.take_unwritten() for _ in range(3)] == ["c", "d", None]
    assert window.written == 4
    window.rewind()
    assert window.take_unwritten() == "a"


def test_window_is_bounded_but_for_one_message(window):
    assert window.has_room(10 * MAX_UNACKNOWLEDGED_BYTES), "alone it may be longer"
    window.add("x")
    assert not window.has_room(MAX_UNACKNOWLEDGED_BYTES)
    assert window.has_room(MAX_UNACKNOWLEDGED_BYTES - 1)
    for _ in range(MAX_UNACKNOWLEDGED - 1):
        window.add("x")
    assert not window.has_room(0)


def test_message_is_replaced_under_its_number(window):
    for text in ("a", "bb"):
        window.add(text)
    window.acknowledge(1)
    window.replace(2, "longer")
    assert (window.get(2), window.size) == ("longer", 6)


def test_window_goes_on_where_another_was(window):
    window.restore(7, ["h", "i"])
    assert (window.acknowledged, window.last, window.written) == (7, 9, 7)
    assert [window.take_unwritten() for _ in range(2)] == ["h", "i"]


def test_arrivals_are_taken_once_over_streams_that_repeat():
    arrivals = Arrivals()
    assert arrivals.begin(1)
    assert [arrivals.take(), arrivals.take()] == [True, True]
    assert arrivals.begin(2)
    assert [arrivals.take(), arrivals.take()] == [False, True]
    assert arrivals.received == arrivals.arrived == 3


def test_gap_is_noticed():
    arrivals = Arrivals()
    assert not arrivals.begin(2)
    assert not arrivals.begin(0)


def test_acknowledgement_is_due_after_messages_or_bytes():
    arrivals = Arrivals()
    arrivals.begin(1)
    for _ in range(TELL_MESSAGES - 1):
        arrivals.take(1)
    assert not arrivals.is_telling_due()
    arrivals.take(1)
    assert arrivals.is_telling_due()
    assert arrivals.tell() == TELL_MESSAGES
    assert not arrivals.is_telling_due()
    arrivals.take(TELL_BYTES)
    assert arrivals.is_telling_due()


@given(st.integers(0, 2**32))
def test_every_message_arrives_once_and_in_order_over_any_cuts(seed):
    """Cuts between any two messages, acknowledgements that arrive or not, streams that repeat."""
    rng = random.Random(seed)
    window: Window[int] = Window(lambda message: 1)
    arrivals = Arrivals()
    arrivals.begin(1)
    got: list[int] = []
    made = 0
    has_told = True
    for _ in range(40):
        for _ in range(rng.randrange(6)):  # a stream carries some messages, those once more first
            message = window.take_unwritten()
            if message is None:
                made += 1
                message = made
                window.add(made)
            if rng.random() < 0.2:
                break  # it was written, and the stream is cut before it arrives
            if arrivals.take(1):
                got.append(message)
            if has_told and rng.random() < 0.3:
                assert window.acknowledge(arrivals.tell())
        # The next stream says what has arrived, or carries it once more and has no counts.
        has_told = rng.random() < 0.5
        if has_told:
            window.unwritten = 0
            assert window.acknowledge(arrivals.received)
        window.rewind()
        assert arrivals.begin(window.written + 1)
    while (message := window.take_unwritten()) is not None:
        if arrivals.take(1):
            got.append(message)
    assert got == list(range(1, made + 1))


def test_message_that_ends_streams_is_found_after_a_while():
    suspicion = Suspicion()
    assert [suspicion.is_certain(4, now) for now in (0.0, 1.0, 2.0)] == [False] * 3
    assert suspicion.is_certain(4, MIN_END_SECONDS)


def test_another_message_begins_anew():
    suspicion = Suspicion()
    for now in (0.0, 1.0):
        suspicion.is_certain(4, now)
    assert not suspicion.is_certain(5, 60.0)
    assert not suspicion.is_certain(5, 61.0)


def test_message_that_an_end_calls_too_long_is_found_at_once():
    suspicion = Suspicion()
    suspicion.is_too_long = True
    assert not suspicion.is_certain(4, 0.0), "it may have been another's fault"
    suspicion.is_too_long = True
    assert suspicion.is_certain(4, 0.1)
