"""What an answer sends: unchanged, what has changed, or the whole."""

import copy
import datetime as dt
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.exceptions import UnencodableValue
from django_vortex.live import pushes
from django_vortex.live.answers import Answer, make_answer
from django_vortex.live.former_states import FORMER_BYTES, MAX_FORMER
from django_vortex.tuples import Tuple, TupleRegistry, tuple_type
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.events import EnvelopeReceived
from django_vortex.wire.messages import encode_message
from django_vortex.wire.parts import RowPart
from django_vortex.wire.payload import Payload
from django_vortex.wire.protocol import Protocol
from tests.unit.live.applying import apply, transmit

registry = TupleRegistry()


@tuple_type("test.Ticket", registry=registry)
class Ticket(Tuple):
    """A row with a key."""

    __tuple_key__ = ("id",)

    id: int
    title: str
    state: str | None


@tuple_type("test.Note", registry=registry)
class Note(Tuple):
    """A row without a key."""

    text: str
    more: object = None


CODEC = Codec(registry, reads_parts=True)
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)

tickets = st.builds(
    Ticket,
    id=st.integers(0, 9) | st.none(),
    title=st.sampled_from(["a", "b", "\u00fc\U0001f600"]),
    state=st.sampled_from([None, "open"]),
)
notes = st.builds(
    Note,
    text=st.sampled_from("ab"),
    more=st.sampled_from([None, {1, 2}, {"b": 1, "a": 2}, "\ud800"]),
)
plain = st.sampled_from([None, 1, True, 2.5, "x", b"y", NOW]) | st.fixed_dictionaries(
    {"id": st.integers(0, 3)}
)
lists = st.lists(tickets | notes | plain, max_size=12) | st.lists(tickets, max_size=12)


@st.composite
def edited(draw: Any, rows: list[Any]) -> list[Any]:
    """Return a list after the kinds of changes that happen to lists."""
    rows = [copy.copy(row) for row in rows]
    for kind in draw(st.lists(st.integers(0, 5), max_size=5)):
        if kind == 0 or not rows:
            rows.insert(draw(st.integers(0, len(rows))), draw(tickets | notes))
        elif kind == 1:
            rows.pop(draw(st.integers(0, len(rows) - 1)))
        elif kind == 2:
            row = rows[draw(st.integers(0, len(rows) - 1))]
            if isinstance(row, Ticket):
                row.title = draw(st.sampled_from("xyz"))
        elif kind == 3:
            rows.insert(
                draw(st.integers(0, len(rows) - 1)), rows.pop(draw(st.integers(0, len(rows) - 1)))
            )
        elif kind == 4:
            rows = draw(st.permutations(rows))
        else:
            rows.append(copy.copy(draw(st.sampled_from(rows))))
    return list(rows)


def answer_with(rows: list[Any], previous: Answer | None = None, **more: Any) -> Answer:
    return make_answer(rows, more.pop("is_one", False), CODEC, previous, **more)


def receive(answer: Answer, tag: str | None, **form: Any) -> tuple[dict[str, Any], list[Any]]:
    envelope = transmit(answer.make_envelope("w", "p:7", tag), CODEC, **form)
    assert envelope.filt["key"] == "vortex.watched"
    assert (envelope.filt["watch"], envelope.filt["at"]) == ("w", "p:7")
    assert envelope.filt["to"] == answer.tag
    return envelope.filt, envelope.decode_payload(CODEC).tuples


def many(count: int) -> list[Ticket]:
    return [Ticket(id=number, title=f"Ticket {number}", state="open") for number in range(count)]


def strict(rows: Any) -> str:
    return repr([(type(row), row) for row in rows])


@given(st.data())
def test_what_is_sent_makes_the_fresh_list_of_any_former_one(data):
    rows = data.draw(lists)
    answer = answer_with(rows)
    known = {answer.tag: rows}
    for _ in range(data.draw(st.integers(1, 4))):
        rows = data.draw(edited(rows))
        answer = answer_with(rows, answer)
        for tag, former in known.items():
            filt, put = receive(answer, tag)
            assert strict(
                apply(former, filt, put, CODEC) if tag != answer.tag else former
            ) == strict(rows)
        known[answer.tag] = rows


@given(lists)
def test_whole_list_arrives_in_every_form(rows):
    answer = answer_with(rows)
    for dialect in (Dialect.NATIVE, Dialect.NATIVE_1):
        for framed in (False, True):
            filt, put = receive(answer, None, framed=framed, dialect=dialect)
            assert "from" not in filt
            assert strict(put) == strict(rows)


def test_same_answer_is_unchanged():
    first = answer_with(many(3))
    second = answer_with(many(3), first)
    assert first.tag == second.tag
    filt, put = receive(second, first.tag)
    assert filt == {
        "key": "vortex.watched",
        "watch": "w",
        "at": "p:7",
        "from": first.tag,
        "to": first.tag,
    }
    assert put == []


def test_one_changed_field_in_a_long_list_is_a_short_message():
    first = answer_with(many(1000))
    rows = many(1000)
    rows[500].title = "Done"
    second = answer_with(rows, first)
    envelope = second.make_envelope("A" * 16, "24021-0a1b2c3d4e5f:123456", first.tag)
    assert envelope.filt["put"] == envelope.filt["gone"] == envelope.filt["was"] == [500]
    assert receive(second, first.tag)[1] == [RowPart({"title": "Done"})]
    assert len(encode_message(envelope, WireForm(Dialect.NATIVE, False), NOW, CODEC)) <= 400


def test_changed_rows_are_whole_for_who_comes_from_an_older_state():
    first = answer_with(many(10))
    rows = many(10)
    rows[5].title = "Done"
    second = answer_with(rows, first)
    third = answer_with([*rows, *many(11)[10:]], second)
    assert receive(third, first.tag)[1] == [rows[5], *many(11)[10:]]
    assert receive(third, second.tag)[1] == many(11)[10:]


def test_above_half_of_the_list_the_whole_is_sent():
    first = answer_with(many(10))
    rows = [*many(17)[10:], *many(3)]
    filt, put = receive(answer_with(rows, first), first.tag)
    assert "from" not in filt
    assert put == rows


def test_unknown_tag_gets_the_whole():
    filt, put = receive(answer_with(many(3), answer_with(many(2))), "tag of another server")
    assert "from" not in filt
    assert put == many(3)


def test_delta_of_more_positions_than_a_message_may_have_is_the_whole():
    rows = many(9000)
    first = answer_with(rows)
    second = answer_with(rows[:4000], first)
    filt, put = receive(second, first.tag)
    assert "from" not in filt
    assert len(put) == 4000


@pytest.mark.parametrize("value", [Note(text="a"), 7, None, [1, 2], "text"], ids=str)
def test_single_answer_is_always_whole_and_says_that_it_is_one(value):
    first = answer_with(["before"], is_one=True)
    second = answer_with([value], first, is_one=True)
    for tag in (None, first.tag):
        filt, put = receive(second, tag)
        assert filt["one"] is True
        assert "from" not in filt
        assert put == [value]


def test_single_tuple_has_another_tag_than_a_list_of_it():
    assert answer_with([1]).tag != answer_with([1], is_one=True).tag


def test_list_that_becomes_a_single_tuple_is_whole():
    first = answer_with(many(1))
    second = answer_with(many(1), first, is_one=True)
    assert receive(second, first.tag)[0]["one"] is True
    assert "one" not in receive(answer_with(many(1), second), second.tag)[0]


def test_envelope_is_made_once_for_all_who_come_from_the_same_state():
    first = answer_with(many(10))
    second = answer_with(many(11), first)
    for tag in (None, first.tag, second.tag):
        assert second.make_envelope("w", "p:1", tag) is second.make_envelope("w", "p:1", tag)
    assert second.make_envelope("w", "p:1", "?") is second.make_envelope("w", "p:1", None)


def test_lists_are_compared_once_for_all_who_come_from_the_same_state(monkeypatch):
    first = answer_with(many(100))
    second = answer_with(many(101), first)
    third = answer_with(many(102), second)
    compared = []
    find_delta = pushes.find_delta
    monkeypatch.setattr(
        pushes, "find_delta", lambda old, new: compared.append(old.tag) or find_delta(old, new)
    )
    kept = [third.make_envelope("w", "p:1", first.tag) for _ in range(3)]
    assert compared == [first.tag]
    assert kept[0] is kept[2]
    third.make_envelope("w", "p:1", second.tag)
    assert compared == [first.tag], "that was made with the answer"


def test_envelope_of_a_later_position_says_so():
    answer = answer_with(many(2))
    assert answer.make_envelope("w", "p:1", answer.tag).filt["at"] == "p:1"
    assert answer.make_envelope("w", "p:2", answer.tag).filt["at"] == "p:2"


def test_delta_is_ready_when_the_answer_is():
    first = answer_with(many(100))
    rows = many(100)
    second = answer_with(rows[1:], first)
    rows.clear()  # nobody reads rows any more
    filt, put = receive(second, first.tag)
    assert (filt["gone"], put) == ([0], [])


def test_nothing_of_the_rows_is_read_after_the_answer_is_made():
    class Watched(list):
        is_readable = True

        def __iter__(self):
            assert self.is_readable
            return super().__iter__()

    rows = Watched(many(5))
    first = answer_with(many(5), dialects=[Dialect.D0])
    answer = answer_with(rows, first)
    rows.is_readable = False
    assert receive(answer, None)[1] == many(5)
    answer.make_whole({"key": "a"})


def is_in_columns(answer: Answer) -> bool:
    envelope = answer.make_envelope("w", "p:1", None)
    text = encode_message(envelope, WireForm(Dialect.NATIVE, False), NOW, CODEC)
    return '"rts"' in text


def test_whole_is_written_as_columns_where_somebody_may_need_it():
    first = answer_with(many(5))
    again = answer_with(many(5), first)
    changed = answer_with(many(6), again)
    other = answer_with([Note(text=text) for text in "abcdef"], changed)
    assert [is_in_columns(one) for one in (first, again, changed, other)] == [
        *(True, True, False, True)
    ]


def test_what_was_prepared_goes_with_the_envelope():
    answer = answer_with(many(100))
    before = answer.held_bytes
    envelope = answer.make_envelope("w", "p:1", None)
    held = answer.held_bytes
    assert held < before
    assert held < 100 * 28 + 2048
    assert answer.make_envelope("w", "p:1", None) is envelope
    assert len(encode_message(envelope, WireForm(Dialect.NATIVE, False), NOW, CODEC)) > 2000


def test_states_are_remembered_up_to_a_number():
    answers = [answer_with(many(100))]
    for number in range(MAX_FORMER + 1):
        rows = many(100)
        rows[number].title = "Done"
        answers.append(answer_with(rows, answers[-1]))
    assert "from" not in receive(answers[-1], answers[0].tag)[0]
    assert "from" in receive(answers[-1], answers[1].tag)[0]


def test_states_are_remembered_up_to_a_size():
    answer = first = answer_with(many(3000))
    for number in range(5):
        rows = many(3000)[::-1] if number % 2 else many(3000)
        rows[0].title = f"Done {number}"
        answer = answer_with(rows, answer)
    answer.make_envelope("w", "p:1", None)
    assert answer.held_bytes <= 3000 * 28 + FORMER_BYTES + 50_000
    again = answer_with(many(3000), answer)
    assert receive(again, first.tag)[0]["to"] == again.tag


@pytest.mark.parametrize("dialect", Dialect, ids=str)
@pytest.mark.parametrize("more", [None, {1, 2}], ids=["portable", "not_portable"])
def test_released_clients_get_the_whole_as_if_it_were_encoded_for_them(dialect, more):
    rows = [Note(text="a", more=more), Note(text="b")]
    filt = {"key": "observed", "number": 3}
    answer = answer_with(rows, dialects=[dialect])
    got = transmit(answer.make_whole(filt), CODEC, framed=True, dialect=dialect)
    payload = got.decode_payload(CODEC)
    assert got.filt == filt
    expected = [1, 2] if more and not dialect.is_native else more
    assert [(row.text, row.more) for row in payload.tuples] == [("a", expected), ("b", None)]
    if dialect is not Dialect.D0:
        assert payload.filt == filt


@pytest.mark.parametrize("dialect", [Dialect.D1, Dialect.D0], ids=str)
def test_dialects_that_were_asked_for_are_prepared_with_the_next_answer(dialect):
    def is_prepared(answer: Answer) -> bool:
        return answer.make_whole({"key": "k"}, dialect)._body.by_dialect.get(dialect) is not None

    first = answer_with([Note(text="a", more={1})])
    assert not is_prepared(first)
    second = answer_with([Note(text="b", more={1})], first)
    third = answer_with([Note(text="c", more={1})], second)  # the second was not asked for any
    assert is_prepared(third)


@pytest.mark.parametrize("dialect", [Dialect.D1, Dialect.D2, Dialect.D0], ids=str)
def test_released_clients_that_were_not_announced_get_the_whole_too(dialect):
    rows = [Note(text="a", more={1})]
    got = transmit(answer_with(rows).make_whole({"key": "k"}), CODEC, framed=True, dialect=dialect)
    assert [row.more for row in got.decode_payload(CODEC).tuples] == [[1]]


def test_payload_for_released_clients_has_a_date():
    envelope = answer_with(many(2)).make_whole({"key": "k"})
    text = encode_message(envelope, WireForm(Dialect.D1, True), NOW, CODEC)
    (event,) = Protocol(CODEC, framed=True, dialect=Dialect.D1).receive(text)
    assert isinstance(event, EnvelopeReceived)
    assert event.envelope.decode_payload(CODEC).date == NOW


def test_what_cannot_travel_is_told_with_its_place():
    with pytest.raises(UnencodableValue, match=r"\$\.tuples\[1\]\.more"):
        answer_with([Note(text="a"), Note(text="b", more=object())])


def test_given_key_tells_rows_apart():
    rows = [{"name": name, "n": 1} for name in "abcdefghij"]
    first = answer_with(rows, get_key=lambda row: row["name"])
    changed = [rows[0], {"name": "b", "n": 2}, *rows[2:]]
    second = answer_with(changed, first, get_key=lambda row: row["name"])
    assert receive(second, first.tag)[0]["was"] == [1]


TAG_OF_A_LIST = """
import datetime, decimal, uuid
from tests.unit.live.test_answers import Note, Ticket, answer_with
texts = ["a", "b", "c", "ü", "\\ud800"]
rows = [
    Ticket(id=1, title="x", state=None),
    *(Note(text=text, more=set(texts)) for text in texts),
    Note(text="n", more={text: frozenset(texts) for text in sorted(set(texts), key=hash)}),
    {text: 1 for text in set(texts[:4])}, decimal.Decimal("1.5"), uuid.UUID(int=7), None, 2.5,
]
print(answer_with(rows).tag, hash("a"))
"""


def test_tag_is_the_same_in_every_process_and_under_every_hash_seed():
    seen = set()
    hashes = set()
    for seed in ("0", "1", "2"):
        ran = subprocess.run(
            [sys.executable, "-c", TAG_OF_A_LIST],
            env={"PYTHONHASHSEED": seed, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        tag, hashed = ran.stdout.split()
        seen.add(tag)
        hashes.add(hashed)
    assert len(hashes) == 3
    assert len(seen) == 1


def test_size_is_that_of_the_rows_however_they_are_kept():
    rows = many(1000)
    expected = len(CODEC.encode_payload(Payload({}, rows), Dialect.NATIVE_1).tuples)
    first = answer_with(rows)
    assert first.size == answer_with(rows, first).size == expected
    assert first.held_bytes < expected
