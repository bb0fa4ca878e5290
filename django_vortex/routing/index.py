"""An index that finds the patterns that a filt matches, among very many.

Takes filts with an item each, gives the items whose filt a message's contains. Costs as much as the
message has keys and the answer has items, not as there are patterns. Among very many, the time goes
into fetching what is not in the processor's cache, so there are few objects between key and item.
"""

from collections.abc import Hashable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

from django_vortex.routing.filt import FiltPattern, FiltView
from django_vortex.typedefs import Filt


class Indexed(Hashable, Protocol):
    """What can be found: anything that the index may write on."""

    rest: FiltPattern | None
    """What is still to be compared when the index has led here; None is nothing."""


Item = TypeVar("Item", bound=Indexed)

_Pair = tuple[Hashable, Hashable]

_NO_NAMES: Mapping[Any, Any] = MappingProxyType({})


class _Bucket(Generic[Item]):
    """The items of one ``key``, each filed under the pair it shares with the fewest others."""

    __slots__ = ("by_name", "unfiled")

    def __init__(self) -> None:
        # The tuples are replaced, never changed: a search may be in them.
        self.by_name: dict[Hashable, dict[Hashable, tuple[Item, ...]]] | None = None
        self.unfiled: tuple[Item, ...] = ()

    def add(self, item: Item, pattern: FiltPattern) -> _Pair | None:
        """File an item and say under which pair, None if it has nothing but the key."""
        pairs = [pair for pair in pattern.pairs if pair[0] != "key"]
        pair = min(pairs, key=self._count, default=None)
        rest = pattern.without("key" if pair is None else pair[0], "key")
        item.rest = None if rest.is_empty else rest
        if pair is None:
            self.unfiled += (item,)
        else:
            if self.by_name is None:
                self.by_name = {}
            by_value = self.by_name.setdefault(pair[0], {})
            by_value[pair[1]] = (*by_value.get(pair[1], ()), item)
        return pair

    def remove(self, item: Item, pair: _Pair | None) -> None:
        """Forget an item that is filed under a pair."""
        if pair is None:
            self.unfiled = _without(self.unfiled, item)
            return
        name, value = pair
        by_name = self.by_name or {}
        by_value = by_name[name]
        by_value[value] = _without(by_value[value], item)
        if not by_value[value]:
            del by_value[value]
        if not by_value:
            del by_name[name]

    def _count(self, pair: _Pair) -> tuple[int, bool]:
        """Return how many are filed under a pair; of equals, names looked up come first."""
        by_value = (self.by_name or _NO_NAMES).get(pair[0])
        return (0, True) if by_value is None else (len(by_value.get(pair[1], ())), False)


def _without(items: tuple[Item, ...], item: Item) -> tuple[Item, ...]:
    return tuple(other for other in items if other != item)


class FiltIndex(Generic[Item]):
    """Items under filts that contain a ``key``. Not locked: its user is."""

    __slots__ = ("_buckets", "_filed")

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket[Item]] = {}
        self._filed: dict[Item, tuple[str, _Pair | None]] = {}

    def __len__(self) -> int:
        return len(self._filed)

    def __iter__(self) -> Iterator[Item]:
        return iter(list(self._filed))

    def add(self, filt: Filt, item: Item) -> None:
        """File an item under a checked filt; an item that is there already stays as it is."""
        if item in self._filed:
            return
        key = filt["key"]
        bucket = self._buckets.setdefault(key, _Bucket())
        self._filed[item] = key, bucket.add(item, FiltPattern(filt))

    def remove(self, item: Item) -> None:
        """Forget an item; unknown ones are ignored."""
        key, pair = self._filed.pop(item, (None, None))
        if key is None:
            return
        bucket = self._buckets[key]
        bucket.remove(item, pair)
        if not bucket.unfiled and not bucket.by_name:
            del self._buckets[key]

    def find(self, filt: Filt) -> list[Item]:
        """Return the items whose filt the given one contains, in no particular order."""
        key = filt.get("key")
        bucket = self._buckets.get(key) if isinstance(key, str) else None
        if bucket is None:
            return []
        candidates = bucket.unfiled
        if bucket.by_name is None and len(candidates) == 1 and candidates[0].rest is None:
            return [candidates[0]]  # an endpoint with a key of its own, as most have
        view = FiltView(filt)
        if bucket.by_name is not None:
            for name in filt:
                by_value = bucket.by_name.get(name)
                if by_value is not None:
                    candidates += by_value.get(view.get(name), ())
        return [item for item in candidates if item.rest is None or item.rest.matches(view)]
