from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from django_vortex.server.dates import MAX_DATED_KEYS, PeerDates, date_key, to_datetime


def test_date_later_than_the_last_stays_as_it_is():
    dates = PeerDates()
    assert dates.stamp("a", 10) == 10
    assert dates.stamp("a", 11) == 11


def test_date_that_is_not_later_is_moved_behind_the_last():
    dates = PeerDates()
    dates.stamp("a", 10)
    assert dates.stamp("a", 10) == 11
    assert dates.stamp("a", 3) == 12


def test_keys_are_dated_each_for_itself():
    dates = PeerDates()
    dates.stamp("a", 10)
    assert dates.stamp("b", 5) == 5


def test_forgotten_keys_never_get_an_earlier_date():
    dates = PeerDates()
    dates.stamp("first", 500)
    for index in range(MAX_DATED_KEYS + 1):
        dates.stamp(f"key {index}", 1000)
    assert len(dates.to_record()) <= MAX_DATED_KEYS
    assert dates.stamp("first", 400) > 500


def test_keys_that_were_dated_last_are_forgotten_last():
    dates = PeerDates()
    for number in range(MAX_DATED_KEYS + 1):
        dates.stamp(f"key {number}", number)
    forgotten = {f"key {number}" for number in range(MAX_DATED_KEYS + 1)} - {*dates.to_record()}
    assert forgotten == {f"key {number}" for number in range(len(forgotten))}
    assert dates.stamp("key 0", 0) == len(forgotten)  # as if it had had the latest of them


def test_newest_date_goes_along_to_another_process():
    dates = PeerDates()
    dates.stamp("a", 10)
    dates.stamp("b", 20)
    dates.stamp("b", 20)
    assert dates.to_record() == {"a": 10, "b": 21}
    dates.stamp("a", 5)
    assert dates.to_record() == {"a": 11, "b": 21}


def test_more_dates_than_are_remembered_can_be_taken_over():
    dates = PeerDates()
    dates.merge({f"key {number}": number for number in range(5 * MAX_DATED_KEYS)})
    assert len(dates.to_record()) <= MAX_DATED_KEYS
    assert dates.stamp("key 0", 0) > 4 * MAX_DATED_KEYS


def test_dates_of_another_process_are_taken_over():
    dates, others = PeerDates(), PeerDates()
    dates.stamp("a", 10)
    others.stamp("a", 30)
    others.stamp("b", 7)
    dates.merge(others.to_record())
    assert dates.stamp("a", 20) == 31
    assert dates.stamp("b", 7) == 8


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 50))))
def test_dates_of_a_key_only_grow(stamps):
    dates = PeerDates()
    last = {}
    for key, date in stamps:
        given_date = dates.stamp(key, date)
        assert given_date > last.get(key, 0)
        last[key] = given_date


@given(st.integers(0, 4_000_000_000_000))
def test_milliseconds_become_an_exact_utc_datetime(milliseconds):
    moment = to_datetime(milliseconds)
    assert moment.tzinfo is UTC
    assert moment - datetime(1970, 1, 1, tzinfo=UTC) == to_datetime(milliseconds) - to_datetime(0)
    assert moment.microsecond == milliseconds % 1000 * 1000


def test_filt_without_a_text_as_key_is_dated_too():
    assert date_key({"key": ["a", "list"]}) == ""
    assert date_key({}) == ""
    assert date_key({"key": "a"}) == "a"


def test_keys_of_any_length_are_remembered_in_little_memory():
    dates = PeerDates()
    for number in range(20):
        dates.stamp(date_key({"key": f"{number}{'x' * 100_000}"}), number)
    assert sum(map(len, dates.to_record())) < 10_000


@given(st.text(st.characters()), st.text(st.characters(categories=["Cs"])))
def test_dates_of_any_key_can_travel_to_other_processes(text, surrogates):
    dates = PeerDates()
    dates.stamp(date_key({"key": text + surrogates}), 10)
    assert [key.encode() for key in dates.to_record()]
    assert dates.stamp(date_key({"key": text + surrogates}), 5) == 11
