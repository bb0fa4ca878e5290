"""The queue of what is to be written."""

from django_vortex.client.outgoing import BATCH_BYTES, Message, Outgoing


def test_C5_queue_is_bounded_in_number_and_length():
    outgoing = Outgoing(max_messages=3, max_bytes=100)
    for _ in range(3):
        assert outgoing.has_room(Message("x"))
        outgoing.put(Message("x"))
    assert not outgoing.has_room(Message("x"))
    outgoing = Outgoing(max_bytes=100)
    assert outgoing.has_room(Message("x" * 1000)), "one message alone may be longer"
    outgoing.put(Message("x" * 1000))
    assert not outgoing.has_room(Message("x"))
    assert outgoing.bytes == 1000


def test_batches_are_limited_and_in_order():
    outgoing = Outgoing(max_bytes=10**9)
    long, short = Message("x" * BATCH_BYTES), Message("y")
    for message in (short, long, long, short):
        outgoing.put(message)
    assert [outgoing.take() for _ in range(5)] == [[short], [long], [long], [short], []]
    assert outgoing.is_empty
    assert len(outgoing) == 4, "not known to be written yet"
    outgoing.confirm(4)
    assert len(outgoing) == 0


def test_what_was_not_written_comes_first_again():
    outgoing = Outgoing()
    first, second, third = Message("1"), Message("2"), Message("3")
    outgoing.put(first)
    outgoing.put(second)
    batch = outgoing.take()
    outgoing.put(third)
    outgoing.put_back(batch)
    assert outgoing.take() == [first, second, third]


def test_withdrawn_request_leaves_the_others():
    outgoing = Outgoing()
    outgoing.put(Message("1", "a"))
    outgoing.put(Message("2", "b"))
    assert outgoing.withdraw("a")
    assert not outgoing.withdraw("a")
    assert [message.text for message in outgoing.take()] == ["2"]
    assert outgoing.bytes == 0
