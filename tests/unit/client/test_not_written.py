"""What has certainly not left a client is not held against it, or against the server."""

from django_vortex.client.outgoing import Message
from django_vortex.client.session import Session
from django_vortex.wire.opening import SessionInfo

EMPTY = Message("{}")


def begin() -> Session:
    session = Session()
    session.begin(SessionInfo(False, 1, 0, 1, 30.0))
    session.window.add(Message("a"))
    session.note_written(1, in_post=True)
    return session


def test_message_of_refused_posts_is_not_given_up() -> None:
    session = begin()
    for attempt in range(10):
        session.note_not_written(1)
        session.make_opening(continues=False)
        assert session.resume(SessionInfo(True, 1, 0, 1, 30.0), EMPTY, 10.0 * attempt)
        assert [message.text for message in session.take_unwritten(9)] == ["a"]
        session.note_written(1, in_post=True)
    assert not session.poisonous


def test_message_of_a_refused_post_is_written_in_a_new_session() -> None:
    session = begin()
    session.note_not_written(1)
    loss = session.begin(SessionInfo(False, 2, 0, 1, 30.0))
    assert [message.text for message in loss.unwritten] == ["a"]
    assert not loss.unknown


def test_progress_is_what_the_server_acknowledges() -> None:
    session = begin()
    session.arrivals.take(1)
    assert not session.take_progress()
    session.window.acknowledge(1)
    assert session.take_progress()
    assert not session.take_progress()
