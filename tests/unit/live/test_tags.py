"""What stands for a row: the key of its record where it has one, and its content."""

from typing import Any

from django_vortex.live.tags import ENTRY_BYTES, KEY_BYTES, ListState, make_state
from django_vortex.tuples import Tuple, TupleRegistry, tuple_type
from django_vortex.wire.codec import Codec

registry = TupleRegistry()


@tuple_type("test.Seat", registry=registry)
class Seat(Tuple):
    """A row with a key of two fields."""

    __tuple_key__ = ("row", "number")

    row: str | None
    number: int | None
    guest: str | None


@tuple_type("test.Person", registry=registry)
class Person(Tuple):
    """A row with a key of any type."""

    __tuple_key__ = ("id",)

    id: Any
    name: str | None


def state_of(rows: list[Any], *, is_one: bool = False, **more: Any) -> ListState:
    canonical = Codec(registry).encode_rows(rows).canonical
    return make_state(rows, is_one, canonical, registry, **more)


def key_of(row: Any, **more: Any) -> bytes:
    return state_of([row], **more).entries[:KEY_BYTES]


def test_row_with_the_same_key_is_the_same_row_whatever_is_in_it():
    assert key_of(Person(id=1, name="a")) == key_of(Person(id=1, name="b"))
    assert key_of(Person(id=1, name="a")) != key_of(Person(id=2, name="a"))


def test_all_fields_of_a_key_count():
    assert key_of(Seat(row="A", number=1, guest="x")) == key_of(Seat(row="A", number=1))
    assert key_of(Seat(row="A", number=1)) != key_of(Seat(row="A", number=2))
    assert key_of(Seat(row="A", number=1)) != key_of(Seat(row="B", number=1))


def test_row_without_a_key_is_known_by_its_content():
    unsaved = [Person(id=None, name="a"), Seat(row="A", number=None, guest="a"), {"id": 1}, "x"]
    for row in unsaved:
        state = state_of([row])
        assert state.entries[:KEY_BYTES] == state.entries[KEY_BYTES : 2 * KEY_BYTES]


def test_key_that_cannot_travel_is_none():
    key = key_of({"name": "a"}, get_key=lambda row: object())
    assert key == key_of({"name": "a"})


def test_large_and_strange_keys_are_keys():
    keys = [2**63, -(2**63), 2**63 - 1, "\ud800", "1", 1, 1.5, True]
    assert len({key_of(Person(id=key, name="a")) for key in keys}) == len(keys)


def test_state_is_short():
    rows = [Person(id=number, name="a" * 1000) for number in range(100)]
    assert len(state_of(rows)) == 100
    assert len(state_of(rows).entries) == 100 * ENTRY_BYTES == 2400


def test_order_keys_and_content_change_the_tag():
    rows = [Person(id=1, name="a"), Person(id=2, name="b")]
    tags = {
        state_of(rows).tag,
        state_of(rows[::-1]).tag,
        state_of(rows[:1]).tag,
        state_of(rows[:1], is_one=True).tag,
        state_of([rows[0], Person(id=2, name="c")]).tag,
        state_of([]).tag,
    }
    assert len(tags) == 6
    assert all(len(tag) == 20 and tag.replace("-", "").replace("_", "").isalnum() for tag in tags)


def test_same_keys_in_dicts_give_the_same_tag_in_any_order():
    assert state_of([{"a": 1, "b": {"d": 1, "c": 2}}]) == state_of(
        [{"b": {"c": 2, "d": 1}, "a": 1}]
    )


def test_row_that_only_the_tolerant_writer_writes_changes_no_other():
    rows = [Person(id=1, name="a"), {"x": "\ud800"}]
    assert state_of(rows).entries[:ENTRY_BYTES] == state_of(rows[:1]).entries
