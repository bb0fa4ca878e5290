"""The index finds what a scan over all patterns finds, without one."""

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from django_vortex.routing.filt import FiltPattern, FiltView
from django_vortex.routing.index import FiltIndex

Filt = dict[Any, Any]

VALUES = st.one_of(
    st.integers(0, 2),
    st.sampled_from(["x", "y", None, True]),
    st.lists(st.integers(0, 1), max_size=2),
    st.dictionaries(st.sampled_from("ab"), st.integers(0, 1), max_size=2),
)
FILTS = st.builds(
    lambda key, rest: {"key": key, **rest},
    st.sampled_from(["one", "two"]),
    st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3),
)

few = settings(max_examples=60, deadline=None)


class CountedPatterns:
    """Counts how often a pattern is looked at while it lasts."""

    def __init__(self, monkeypatch: Any) -> None:
        self.count = 0
        original = FiltPattern.matches

        def matches(pattern: FiltPattern, filt: Any) -> bool:
            self.count += 1
            return original(pattern, filt)

        monkeypatch.setattr(FiltPattern, "matches", matches)


class Item(int):
    rest: FiltPattern | None = None


def index_of(filts: Iterable[Filt]) -> FiltIndex[Item]:
    index: FiltIndex[Item] = FiltIndex()
    for number, filt in enumerate(filts):
        index.add(filt, Item(number))
    return index


@few
@given(st.lists(FILTS, max_size=12), FILTS)
def test_the_index_finds_what_a_scan_finds(filts: list[Filt], message: Filt) -> None:
    expected = [n for n, filt in enumerate(filts) if FiltPattern(filt).matches(message)]
    assert sorted(index_of(filts).find(message)) == expected


@few
@given(st.lists(FILTS, max_size=12), st.data(), FILTS)
def test_what_is_removed_is_not_found(filts: list[Filt], data: Any, message: Filt) -> None:
    index = index_of(filts)
    removed = data.draw(st.sets(st.sampled_from(range(len(filts))))) if filts else set()
    for number in removed:
        index.remove(Item(number))
    expected = [
        n for n, filt in enumerate(filts) if n not in removed and FiltPattern(filt).matches(message)
    ]
    assert sorted(index.find(message)) == expected
    assert list(index) == [n for n in range(len(filts)) if n not in removed]


def test_an_emptied_index_keeps_nothing() -> None:
    index = index_of([{"key": "k", "id": 1}, {"key": "k"}, {"key": "k", "id": [1]}])
    for number in range(3):
        index.remove(Item(number))
    assert len(index) == 0
    assert index._buckets == {}


def test_an_item_is_added_and_removed_once() -> None:
    index: FiltIndex[Item] = FiltIndex()
    index.add({"key": "k"}, Item(5))
    index.add({"key": "k"}, Item(5))
    assert index.find({"key": "k"}) == [5]
    index.remove(Item(5))
    index.remove(Item(5))
    assert index.find({"key": "k"}) == []


def test_a_message_without_usable_key_finds_nothing() -> None:
    index = index_of([{"key": "k"}])
    assert index.find({}) == []
    assert index.find({"key": ["k"]}) == []
    assert index.find({"key": {"k": 1}}) == []


def test_among_ten_thousand_of_one_key_few_are_looked_at(monkeypatch: Any) -> None:
    index = index_of({"key": "k", "table": "same", "id": number} for number in range(10_000))
    looked_at = CountedPatterns(monkeypatch)
    assert index.find({"key": "k", "id": 77, "table": "same", "messageId": "m"}) == [77]
    assert looked_at.count <= 3


def test_among_ten_thousand_of_one_key_with_different_names_few_are_looked_at(
    monkeypatch: Any,
) -> None:
    index = index_of({"key": "k", f"id{number}": 1} for number in range(10_000))
    looked_at = CountedPatterns(monkeypatch)
    assert index.find({"key": "k", "id77": 1, "messageId": "m"}) == [77]
    assert looked_at.count <= 1


def test_a_large_list_in_a_message_is_frozen_once_for_all_patterns() -> None:
    class Noticed:
        def __init__(self) -> None:
            self.hashed = 0

        def __hash__(self) -> int:
            self.hashed += 1
            return 1

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Noticed)

    item = Noticed()
    view = FiltView({"ids": [item]})
    first = view.get("ids")
    seen = item.hashed
    assert view.get("ids") is first
    assert item.hashed == seen
