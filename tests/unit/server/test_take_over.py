"""What is held back, what was sent before, and what several processes give of one peer."""

import pytest

from django_vortex.server.delivery import Delivery
from django_vortex.server.take_over import ANSWER_SECONDS, TakeOver
from tests.unit.server.fakes import note

STAMP = (1000, "B")


def pushed(source, sequence):
    return Delivery(note(f"{source}{sequence}"), 0, source, sequence)


def numbers(entries):
    return [
        entry if isinstance(entry, str) else (entry.source, entry.sequence) for entry in entries
    ]


@pytest.fixture
def take_over():
    return TakeOver(STAMP, {"A", "C"}, {"A": 5}, 100.0)


def give(take_over, process, entries, seen, *, is_orphan=False):
    gift = take_over.gift_of(process, STAMP)
    gift.entries += entries
    gift.complete(seen, is_orphan=is_orphan)


def test_pushes_are_held_back_until_the_others_have_answered(take_over):
    assert not take_over.admits(pushed("A", 6))
    assert take_over.held == 1
    assert take_over.deadline == 100.0 + ANSWER_SECONDS
    assert numbers(take_over.end()) == [("A", 6)]
    assert not take_over.is_pending
    assert take_over.admits(pushed("A", 7))


def test_what_the_former_process_has_sent_is_not_sent_again(take_over):
    take_over.admits(pushed("A", 6))
    take_over.admits(pushed("A", 7))
    give(take_over, "A", ["text", pushed("A", 5)], {"A": 6, "C": 2})
    assert numbers(take_over.end()) == ["text", ("A", 5), ("A", 7)]
    assert not take_over.admits(pushed("C", 2))
    assert take_over.admits(pushed("C", 3))


def test_what_belongs_to_one_process_only_is_always_taken(take_over):
    own = Delivery(note("reply"), 0)
    assert not take_over.admits(own)
    give(take_over, "C", [Delivery(note("other reply"), 0)], {}, is_orphan=True)
    give(take_over, "A", [], {"A": 9})
    assert len(take_over.end()) == 2


def test_orphan_adds_nothing_to_what_the_right_process_gives(take_over):
    give(take_over, "C", [pushed("A", 6), pushed("A", 7)], {"A": 7}, is_orphan=True)
    give(take_over, "A", [pushed("A", 6)], {"A": 6})
    take_over.admits(pushed("A", 7))
    assert numbers(take_over.end()) == [("A", 6), ("A", 7)]
    assert not take_over.is_orphan


def test_orphan_is_believed_when_there_is_nobody_else(take_over):
    give(take_over, "C", [pushed("A", 6)], {"A": 6}, is_orphan=True)
    take_over.admits(pushed("A", 6))
    assert numbers(take_over.end()) == [("A", 6)]
    assert take_over.is_orphan


def test_late_leftovers_are_those_from_before_the_peer_came(take_over):
    take_over.end()
    assert take_over.admits_late("text")
    assert take_over.admits_late(pushed("A", 5))
    assert not take_over.admits_late(pushed("A", 6))


def test_unfinished_gift_counts_as_far_as_it_came(take_over):
    take_over.gift_of("A", STAMP).entries += ["text", pushed("A", 4), pushed("A", 6)]
    take_over.admits(pushed("A", 6))
    assert numbers(take_over.end()) == ["text", ("A", 4), ("A", 6)]
    assert take_over.is_orphan


def test_process_that_had_the_peer_all_along_repeats_nothing():
    take_over = TakeOver(STAMP, {"A"}, {"A": 5}, 100.0, is_established=True)
    give(take_over, "A", [pushed("A", 4), pushed("A", 6)], {"A": 6})
    assert numbers(take_over.end()) == [("A", 6)]
    assert not take_over.is_orphan


def test_peer_that_nobody_has_ever_had_is_no_orphan(take_over):
    take_over.awaited.clear()
    take_over.end()
    assert not take_over.is_orphan


def test_asking_again_keeps_what_is_held_back(take_over):
    take_over.admits(pushed("A", 6))
    take_over.renew((2000, "B"), {"A"}, {"A": 6}, 101.0)
    assert take_over.stamp == (2000, "B")
    assert take_over.deadline == 101.0 + ANSWER_SECONDS
    assert numbers(take_over.end()) == [("A", 6)]


def test_asking_again_after_the_end_does_not_repeat_what_was_sent_in_between(take_over):
    give(take_over, "C", [], {}, is_orphan=True)
    take_over.end()
    assert take_over.admits(pushed("A", 6))
    take_over.renew((2000, "B"), {"A"}, {"A": 6}, 101.0)
    give(take_over, "A", [pushed("A", 5), pushed("A", 6), pushed("A", 7)], {"A": 7})
    take_over.admits(pushed("A", 7))
    take_over.admits(pushed("A", 8))
    assert numbers(take_over.end()) == [("A", 5), ("A", 7), ("A", 8)]
