"""What watchers are sent, and what they have then, for readers in any language.

Takes the cases below, gives ``watches-2.json``; ``python -m tests.vectors.watches`` writes it. Of
each case there is

* ``id``
* ``steps``, each with ``push``, the text of a message on a WebSocket, and what it means to whoever
  has read the ones before:

  * ``news``: ``"new"`` where there is another answer, ``"same"`` where there is not, ``"unfit"``
    where the whole has to be asked for, ``"error"`` where there is none
  * ``tag`` and ``answer``, what the watcher has then; the answer as it is noted in ``native.py``,
    a list or the note of a single value
  * of an error its ``code``, and whether the watch has ``ended`` with it
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django_vortex.client.answers import read_error
from django_vortex.client.watched import Watched
from django_vortex.exceptions import PermissionDenied, TryAgain, WireError
from django_vortex.live.answers import Answer, make_answer
from django_vortex.live.pushes import make_failure
from django_vortex.tuples import Tuple, TupleRegistry, tuple_type
from django_vortex.wire.bodies import EncodedTuples
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import EnvelopeReceived
from django_vortex.wire.messages import encode_message
from django_vortex.wire.protocol import Protocol
from tests.vectors.native import CODEC as READING
from tests.vectors.native import DATE, write_note

PATH = Path(__file__).parent / "watches-2.json"
DAY = DATE.date()
NAME = "q2Bz0mN5yqkz7hV3"
FORM = WireForm(Dialect.NATIVE, framed=False)

registry = TupleRegistry()
CODEC = Codec(registry)


@tuple_type("vec.Ticket", registry=registry)
class Ticket(Tuple):
    """A row with a key."""

    __tuple_key__ = ("id",)

    id: int
    title: str


@tuple_type("vec.Visit", registry=registry)
class Visit(Tuple):
    """A row of which fields are values of several kinds."""

    __tuple_key__ = ("id",)

    id: int
    due: dt.date | None
    more: object


def make_visits(due: dt.date | None, more: object) -> list[Visit]:
    """Return visits of which the second is told from the others."""
    rows = [Visit(id=one, due=DAY, more={"number": one}) for one in range(1, 6)]
    rows[1] = Visit(id=2, due=due, more=more)
    return rows


def make_rows(*numbers: int, **titles: str) -> list[Ticket]:
    return [Ticket(id=one, title=titles.get(f"t{one}", f"Ticket {one}")) for one in numbers]


def make_sequence(*lists: Sequence[Any], is_one: bool = False) -> list[PayloadEnvelope]:
    """Return what a watcher is sent that reads each answer before there is the next."""
    pushes = []
    answer: Answer | None = None
    tag: str | None = None
    for number, rows in enumerate(lists, 1):
        answer = make_answer(rows, is_one, CODEC, answer)
        pushes.append(answer.make_envelope(NAME, f"0a1b2c3d:{number}", tag))
        tag = answer.tag
    return pushes


def make_push(**members: Any) -> PayloadEnvelope:
    return PayloadEnvelope({"key": "vortex.watched", "watch": NAME, "at": "0a1b2c3d:9", **members})


def make_cases() -> Iterator[tuple[str, list[PayloadEnvelope]]]:
    """Return what a server may send of one watch."""
    ten = range(1, 11)
    yield (
        "rows with keys",
        make_sequence(
            make_rows(*ten),
            make_rows(*ten),
            make_rows(*ten, t4="Changed"),
            make_rows(11, *ten, t4="Changed"),
            make_rows(11, *range(2, 11), t4="Changed"),
            make_rows(*range(2, 11), 11, t4="Changed"),
            make_rows(11, 10, 9, 8, 2, 3, 4, 5, 6, 7, t4="Changed"),
            make_rows(12, 11, 9, 8, 2, 3, 4, 5, 6, 7, t4="Again", t8="Moved too"),
            make_rows(1, 2, 3),
            [],
            make_rows(5),
        ),
    )
    yield (
        "fields that change",
        make_sequence(
            make_visits(DAY, None),
            make_visits(None, None),
            make_visits(DAY + dt.timedelta(days=1), {"a": [2]}),
            make_visits(DAY, [make_rows(1)[0], "\U0001f600"]),
            make_visits(DAY, "\ud800"),
            make_visits(DAY, "text"),
        ),
    )
    letters = [*"abcdefghij"]
    yield (
        "values without keys",
        make_sequence(letters, [*letters, "c", "c"], ["c", *letters[:9], "c"], letters[::-1]),
    )
    yield "single value", make_sequence([1], [1], [2], [None], is_one=True)
    yield "single tuple", make_sequence(make_rows(1), make_rows(1, t1="Changed"), is_one=True)
    whole, _, changed, more = make_sequence(
        make_rows(*ten), make_rows(*ten), make_rows(*ten, t4="Changed"), make_rows(*ten, t5="More")
    )
    yield "delta from what is not there", [whole, more, whole, changed]
    yield "delta before there is an answer", [changed, whole]
    yield (
        "errors",
        [
            whole,
            make_failure(NAME, "0a1b2c3d:9", TryAgain("Later"), is_ended=False),
            changed,
            make_failure(NAME, "0a1b2c3d:9", PermissionDenied("No more"), is_ended=True),
        ],
    )
    tag = str(whole.filt["to"])
    for name, answer, members in (
        ("part of a row that was not there", make_rows(*ten), {"put": [0], "was": [None]}),
        ("part without a former place", make_rows(*ten), {"put": [0]}),
        ("part of a former place that is not there", make_rows(*ten), {"put": [0], "was": [10]}),
        ("part of what is no row", [*letters], {"put": [0], "gone": [0], "was": [0]}),
    ):
        (first,) = make_sequence(answer)
        filt = make_push(**{"from": first.filt["to"], "to": "x", **members}).filt
        part = b'[{"_ct":"rtp","title":"Changed"}]'
        malformed = PayloadEnvelope.with_tuples(filt, EncodedTuples({Dialect.NATIVE: part}))
        yield f"malformed: {name}", [first, malformed]
    for name, members in {
        "position that is not there": {"gone": [10]},
        "position twice": {"gone": [1, 1]},
        "position below zero": {"gone": [-1]},
        "rows that are missing": {"put": [3]},
        "move of a row that is gone": {"gone": [1], "moved": [[0, 1]]},
        "move to where nothing is": {"moved": [[12, 1]]},
    }.items():
        malformed = make_push(**{"from": tag, "to": "x", **members})
        yield f"malformed: {name}", [whole, malformed, changed]


def read(text: str) -> PayloadEnvelope:
    """Return the envelope of a message."""
    protocol = Protocol(READING, framed=False, dialect=Dialect.NATIVE, whole_frames=True)
    (event,) = protocol.receive(text)
    assert isinstance(event, EnvelopeReceived)
    return event.envelope


def write_step(watched: Watched, text: str) -> dict[str, Any]:
    """Return what a push means to a watcher."""
    envelope = read(text)
    step: dict[str, Any] = {"push": text}
    if envelope.result is not None:
        error = read_error(envelope, READING)
        step |= {"news": "error", "code": error.code, "ended": envelope.filt.get("ended") is True}
    else:
        try:
            news = watched.receive(
                envelope.filt, lambda: envelope.decode_payload(READING).tuples
            ).value
        except WireError:
            news = "unfit"
        step["news"] = news
    snapshot = watched.snapshot
    return {
        **step,
        "tag": watched.tag,
        "answer": None if snapshot is None else write_note(snapshot.answer),
    }


def make_vectors() -> list[dict[str, Any]]:
    """Return the content of the file."""
    vectors = []
    for name, pushes in make_cases():
        watched = Watched(READING)
        texts = [str(encode_message(one, FORM, DATE, CODEC)) for one in pushes]
        vectors.append({"id": name, "steps": [write_step(watched, text) for text in texts]})
    return vectors


if __name__ == "__main__":
    PATH.write_text(json.dumps(make_vectors(), indent=1) + "\n", "ascii")
