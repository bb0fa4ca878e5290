import pytest

from django_vortex.server.delivery import Delivery, coalesce_key
from django_vortex.server.outbox import Outbox
from tests.unit.server.fakes import CODEC, note


def update(value, **filt):
    envelope = note(value, **filt)
    return Delivery(envelope, 0, coalesce=coalesce_key(envelope, CODEC))


def test_first_in_is_first_out():
    outbox = Outbox()
    for text in ("a", "bb", "ccc"):
        outbox.append(text, 0, len(text))
    assert (len(outbox), outbox.size) == (3, 6)
    assert [outbox.pop() for _ in range(3)] == [("a", 0), ("bb", 0), ("ccc", 0)]
    assert (len(outbox), outbox.size) == (0, 0)


def test_given_back_texts_come_before_all_that_waits():
    outbox = Outbox()
    outbox.append("c", 0, 1)
    outbox.add_first(["a", "b"])
    assert list(outbox) == ["a", "b", "c"]
    assert outbox.size == 3


def test_empty_outbox_gives_nothing():
    outbox = Outbox()
    assert not outbox
    assert list(outbox) == []
    assert outbox.coalesce() == 0
    with pytest.raises(IndexError):
        outbox.pop()


def test_superseded_updates_go_and_everything_else_keeps_its_place():
    outbox = Outbox()
    first, second, other = update(1), update(2), update(3, id=7)
    plain = Delivery(note("kept"), 0)
    for entry in (first, plain, other, "text", second):
        outbox.append(entry, 0, 10)
    assert outbox.coalesce() == 1
    assert list(outbox) == [plain, other, "text", second]
    assert outbox.size == 40


def test_updates_are_the_same_when_their_filts_are_equal_in_any_order():
    one = note(1, id=7, name="x")
    other = note(2, name="x", id=7)
    assert coalesce_key(one, CODEC) == coalesce_key(other, CODEC)
    assert coalesce_key(one, CODEC) != coalesce_key(note(1, id=8, name="x"), CODEC)


def test_cleared_outbox_holds_nothing():
    outbox = Outbox()
    outbox.append("a", 0, 1)
    outbox.clear()
    assert (len(outbox), outbox.size) == (0, 0)
