"""Long input is cut so that others get their turn, and means the same."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.transports.turns import TURN_BYTES, cut, cut_frame
from django_vortex.wire.codec import Codec
from django_vortex.wire.events import EnvelopeReceived
from django_vortex.wire.protocol import Protocol


@given(st.integers(0, 3 * TURN_BYTES))
def test_pieces_are_short_and_nothing_is_missing(size: int) -> None:
    data = bytes(index % 251 for index in range(size))
    pieces = [piece for piece in cut(data) if isinstance(piece, bytes)]
    assert b"".join(pieces) == data
    assert pieces
    assert max(map(len, pieces)) <= TURN_BYTES


@pytest.mark.parametrize("space", ["", " \n"])
def test_frame_of_raw_json_stays_whole(space: str) -> None:
    frame = space + json.dumps({"text": "." * 3 * TURN_BYTES})
    assert list(cut_frame(frame)) == [frame]
    assert list(cut_frame(frame.encode())) == [frame.encode()]


def test_long_frame_of_many_messages_gives_them_all() -> None:
    filts = [{"key": str(number)} for number in range(2000)]
    messages = [json.dumps({"_ct": "rpe", "filt": filt, "data": None}) for filt in filts]
    frame = "".join(base64.b64encode(text.encode()).decode() + "." for text in messages)
    protocol = Protocol(Codec(), framed=False)
    pieces = list(cut_frame(frame))
    events = [event for piece in pieces for event in protocol.receive(piece)]
    assert len(pieces) > 1
    assert [e.envelope.filt for e in events if isinstance(e, EnvelopeReceived)] == filts
