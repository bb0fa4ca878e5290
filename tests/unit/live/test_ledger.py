"""What the database counts is compared with what was told, whichever of them comes first."""

import pytest

from django_vortex.live.changes import Change, Table
from django_vortex.live.ledger import COUNTED_SECONDS, Ledger
from django_vortex.live.looks import Look

TICKET = Table("here", "ticket")
LABEL = Table("here", "label")
TOLD_SECONDS = 2.0


@pytest.fixture
def ledger() -> Ledger:
    """Know two tables, at the time 0."""
    ledger = Ledger(TOLD_SECONDS)
    ledger.take("here", Look({"ticket": 100, "label": 7}), 0.0)
    assert ledger.find_moved(0.0) == {TICKET, LABEL}
    return ledger


def look(ledger: Ledger, ticket: int, now: float) -> set[Table]:
    """Look at a table, and return what has moved once tellings had time to come."""
    ledger.take("here", Look({"ticket": ticket, "label": 7}), now)
    return ledger.find_moved(now + TOLD_SECONDS)


def test_table_that_is_new_may_have_moved_before(ledger: Ledger) -> None:
    assert look(ledger, 100, 60.0) == set()


def test_rows_that_nobody_told_are_found_once(ledger: Ledger) -> None:
    assert look(ledger, 101, 60.0) == {TICKET}
    assert look(ledger, 101, 120.0) == set()


def test_told_rows_explain_as_many(ledger: Ledger) -> None:
    ledger.note([Change(TICKET, rows=2), Change(TICKET, rows=1)], 30.0)
    assert look(ledger, 103, 60.0) == set()
    ledger.note([Change(TICKET, rows=2)], 80.0)
    assert look(ledger, 106, 120.0) == {TICKET}


def test_unknown_number_of_rows_explains_nothing(ledger: Ledger) -> None:
    ledger.note([Change(TICKET)], 30.0)
    assert look(ledger, 101, 60.0) == {TICKET}


def test_rows_that_are_counted_late_were_explained_before(ledger: Ledger) -> None:
    ledger.note([Change(TICKET, rows=2)], 59.0)
    assert look(ledger, 100, 60.0) == set()
    assert look(ledger, 102, 120.0) == set()


def test_what_was_told_long_before_a_look_explains_nothing_after_it(ledger: Ledger) -> None:
    ledger.note([Change(TICKET, rows=2)], 60.0 - COUNTED_SECONDS - 1.0)
    assert look(ledger, 100, 60.0) == set()  # it was rolled back
    assert look(ledger, 102, 120.0) == {TICKET}


def test_rows_that_are_told_late_are_borne_for_a_moment(ledger: Ledger) -> None:
    ledger.take("here", Look({"ticket": 103, "label": 7}), 60.0)
    assert ledger.find_moved(61.0) == set()
    ledger.note([Change(TICKET, rows=4)], 61.0)
    assert ledger.find_moved(62.0) == set()
    assert look(ledger, 104, 63.0) == set()


def test_rows_of_which_a_part_is_told_late_are_found(ledger: Ledger) -> None:
    ledger.take("here", Look({"ticket": 103, "label": 7}), 60.0)
    ledger.note([Change(TICKET, rows=2)], 61.0)
    assert ledger.find_moved(62.0) == {TICKET}


def test_counters_that_begin_anew_say_that_anything_may_have_moved(ledger: Ledger) -> None:
    assert look(ledger, 3, 60.0) == {TICKET}
    assert look(ledger, 3, 120.0) == set()


def test_mark_that_differs_is_explained_by_nothing() -> None:
    ledger = Ledger(TOLD_SECONDS)
    ledger.take("here", Look(marks={"ticket": 1}), 0.0)
    assert ledger.find_moved(0.0) == {TICKET}
    ledger.take("here", Look(marks={"ticket": 1}), 60.0)
    assert ledger.find_moved(62.0) == set()
    ledger.note([Change(TICKET, rows=1)], 70.0)
    ledger.take("here", Look(marks={"ticket": 2}), 120.0)
    assert ledger.find_moved(122.0) == {TICKET}


def test_table_that_nobody_watches_is_new_again_later(ledger: Ledger) -> None:
    ledger.keep({LABEL})
    ledger.note([Change(TICKET, rows=1)], 30.0)
    assert look(ledger, 100, 60.0) == {TICKET}


def test_many_small_changes_take_little(ledger: Ledger) -> None:
    for step in range(10_000):
        ledger.note([Change(TICKET, rows=1)], step / 1000)
    assert look(ledger, 10_100, 11.0) == set()
    assert look(ledger, 10_101, 60.0) == {TICKET}
