"""What becomes of a watched answer by what the server pushes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.client.watch import compare
from django_vortex.client.watched import News, Snapshot, Watched
from django_vortex.exceptions import MalformedMessage
from django_vortex.live.answers import make_answer
from django_vortex.wire.codec import Codec
from django_vortex.wire.parts import RowPart
from tests.unit.live.applying import transmit
from tests.unit.live.test_answers import CODEC, Ticket, edited, lists, strict


def get_filt(before: str | None, after: str, **members: Any) -> dict[str, Any]:
    told = {} if before is None else {"from": before}
    return {"key": "vortex.watched", "watch": "w", "at": "p:1", **told, "to": after, **members}


def receive(watched: Watched, filt: dict[str, Any], *tuples: Any) -> News:
    return watched.receive(filt, lambda: list(tuples))


def watching(*rows: Any, **members: Any) -> Watched:
    watched = Watched(CODEC)
    assert receive(watched, get_filt(None, "1", **members), *rows) is News.NEW
    return watched


def rows_of(watched: Watched) -> list[Any]:
    assert watched.snapshot is not None
    return list(watched.snapshot.rows)


@given(st.data())
def test_what_the_server_sends_makes_its_list_whatever_came_before(data):
    rows = data.draw(lists)
    answer = make_answer(rows, False, CODEC)
    watched = Watched(CODEC)
    for _ in range(data.draw(st.integers(1, 5))):
        # Not every answer reaches this peer.
        if data.draw(st.booleans()):
            push = transmit(answer.make_envelope("w", "p:1", watched.tag), CODEC)
            before = watched.snapshot
            watched.receive(push.filt, lambda push=push: push.decode_payload(CODEC).tuples)
            assert watched.tag == answer.tag
            assert strict(rows_of(watched)) == strict(rows)
            assert watched.snapshot is not None
            check_changes(before, watched.snapshot)
        rows = data.draw(edited(rows))
        answer = make_answer(rows, False, CODEC, answer)


def check_changes(before: Snapshot | None, now: Snapshot) -> None:
    changes = compare(before, now)
    old = [] if before is None else list(before.rows)
    new = list(now.rows)
    known = {id(row) for row in old}
    fresh = [id(row) for row in changes.added] + [id(row) for _, row in changes.changed]
    assert all(id(row) in known or id(row) in fresh for row in new)
    assert len(new) == len(old) + len(changes.added) - len(changes.removed)
    assert all(id(row) in known for row, _ in changes.changed)
    assert all(id(row) in known for row in changes.removed)
    if not changes.moved:  # the others are in their order
        places = {line: at for at, line in enumerate(now.lines)}
        staying = [places[line] for line in (before.lines if before else ()) if line in places]
        assert staying == sorted(staying)
    assert changes.answer == new


def test_unchanged_answer_is_the_same_snapshot():
    watched = watching("a", "b")
    snapshot = watched.snapshot
    assert receive(watched, get_filt("1", "1")) is News.SAME
    assert watched.snapshot is snapshot


def test_delta_of_an_answer_that_is_not_there_does_not_fit():
    watched = watching("a")
    assert receive(watched, get_filt("0", "2", put=[1]), "b") is News.UNFIT
    assert (watched.tag, rows_of(watched)) == ("1", ["a"])
    empty = Watched(Codec())
    assert receive(empty, get_filt("0", "2", put=[0]), "b") is News.UNFIT


def test_delta_to_what_is_there_changes_nothing():
    watched = watching("a")
    assert receive(watched, get_filt("0", "1", put=[1]), "b") is News.SAME
    assert rows_of(watched) == ["a"]


def test_row_that_the_program_has_made_unsendable_is_asked_for_again():
    watched = Watched(CODEC)
    receive(watched, get_filt(None, "1"), Ticket(id=1, title="a", state=None))
    part = get_filt("1", "2", gone=[0], put=[0], was=[0])
    rows_of(watched)[0].state = object()
    assert receive(watched, part, RowPart({"title": "b"})) is News.UNFIT
    assert watched.tag == "1"
    rows_of(watched)[0].state = None
    assert receive(watched, part, RowPart({"title": "b"})) is News.NEW
    assert rows_of(watched) == [Ticket(id=1, title="b", state=None)]


def test_unchanged_rows_stay_the_same_objects_over_deltas_and_wholes():
    tickets = [Ticket(id=number, title="a", state=None) for number in range(4)]
    watched = Watched(CODEC)
    receive(watched, get_filt(None, "1"), *tickets)
    changed = Ticket(id=1, title="b", state=None)
    receive(watched, get_filt("1", "2", gone=[1], put=[1], was=[1]), changed)
    assert [row is one for row, one in zip(rows_of(watched), tickets, strict=True)] == [
        *(True, False, True, True)
    ]
    whole = [Ticket(id=number, title="a", state=None) for number in (3, 2, 7)]
    receive(watched, get_filt(None, "3"), *whole)
    assert rows_of(watched) == whole
    assert rows_of(watched)[0] is tickets[3]
    assert rows_of(watched)[1] is tickets[2]


def test_changes_say_what_became_of_the_rows():
    watched = watching("a", "b", "c", "d")
    before = watched.snapshot
    assert before is not None
    first = compare(None, before)
    assert (first.added, first.answer) == (["a", "b", "c", "d"], ["a", "b", "c", "d"])
    filt = get_filt("1", "2", gone=[0, 1], put=[2, 3], was=[1, None], moved=[[0, 3]])
    receive(watched, filt, "B", "e")
    assert watched.snapshot is not None
    changes = compare(before, watched.snapshot)
    assert changes.answer == ["d", "c", "B", "e"]
    assert changes.added == ["e"]
    assert changes.changed == [("b", "B")]
    assert changes.removed == ["a"]
    assert set(changes.moved) <= {"d", "c", "B"}
    assert changes.moved


def test_changes_over_several_deltas_are_those_of_the_first_and_last():
    watched = watching("a", "b")
    before = watched.snapshot
    receive(watched, get_filt("1", "2", gone=[0], put=[0], was=[0]), "A")
    receive(watched, get_filt("2", "3", gone=[0], put=[0, 2], was=[0, None]), "AA", "c")
    receive(watched, get_filt("3", "4", gone=[2]))
    assert watched.snapshot is not None
    changes = compare(before, watched.snapshot)
    assert (changes.added, changes.removed, changes.moved) == ([], [], [])
    assert changes.changed == [("a", "AA")]


def test_single_answer_is_changed_and_not_replaced():
    watched = watching("a", one=True)
    before = watched.snapshot
    receive(watched, get_filt(None, "2", one=True), "b")
    assert watched.snapshot is not None
    assert watched.snapshot.answer == "b"
    changes = compare(before, watched.snapshot)
    assert changes.changed == [("a", "b")]
    assert (changes.added, changes.removed, changes.answer) == ([], [], "b")


def test_single_answer_that_becomes_a_list_is_another():
    watched = watching("a", one=True)
    receive(watched, get_filt(None, "2"), "a", "b")
    assert watched.snapshot is not None
    assert watched.snapshot.answer == ["a", "b"]


def test_answer_is_a_list_of_its_own():
    watched = watching("a")
    assert watched.snapshot is not None
    watched.snapshot.answer.append("b")
    assert rows_of(watched) == ["a"]


@pytest.mark.parametrize(
    "members",
    [
        {"gone": [2]},
        {"gone": [-1]},
        {"gone": [True]},
        {"gone": [0, 0]},
        {"gone": "0"},
        {"put": [5]},
        {"put": [0, 0]},
        {"put": []},
        {"put": [0], "was": [7]},
        {"put": [0], "was": [1, 1]},
        {"put": [0], "was": "x"},
        {"put": [0], "moved": [[0, 1]]},
        {"put": [0], "moved": [[1, 9]]},
        {"put": [0], "moved": [[9, 1]]},
        {"put": [0], "moved": [[1]]},
        {"put": [0], "moved": [1]},
        {"put": [0], "gone": [1], "moved": [[1, 1]]},
    ],
    ids=str,
)
def test_delta_that_cannot_be_is_refused_and_changes_nothing(members):
    watched = watching("a", "b")
    with pytest.raises(MalformedMessage):
        receive(watched, get_filt("1", "2", **members), "x")
    assert (watched.tag, rows_of(watched)) == ("1", ["a", "b"])


def test_push_without_a_tag_is_refused():
    with pytest.raises(MalformedMessage, match=r"Expected a tag, got 3 - at `\$.filt.to`"):
        receive(watching("a"), {"from": "1", "to": 3})


odd = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 4) | st.text(max_size=2) | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=1), inner),
    max_leaves=8,
)
positions = st.lists(st.integers(-1, 4), max_size=3)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("gone", "put", "was"), odd | positions),
            "moved": odd | st.lists(st.lists(st.integers(-1, 4), max_size=3), max_size=3),
            "from": odd | st.just("1"),
            "to": odd | st.sampled_from("12"),
            "one": odd,
        },
    ),
    st.lists(st.integers(), max_size=3),
)
def test_whatever_comes_is_applied_or_refused(filt, tuples):
    watched = watching("a", "b", "c")
    before = watched.snapshot
    try:
        news = receive(watched, filt, *tuples)
    except MalformedMessage:
        news = None
    assert watched.snapshot is not None
    assert len(watched.snapshot.rows) == len(watched.snapshot.lines)
    if news is not News.NEW:
        assert watched.snapshot is before
        assert watched.tag == "1"
