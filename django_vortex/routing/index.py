"""The index that finds what a filt is for among very many patterns.

Takes patterns with an item each, gives the items whose pattern a message's filt contains. Costs as
much as the message has keys and the answer has items, not as there are patterns.
"""

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from django_vortex.routing.filt import FiltPattern, FiltView
from django_vortex.typedefs import Filt

Item = TypeVar("Item", bound=Hashable)

_Pair = tuple[Hashable, Hashable]
_Patterns = dict[Item, FiltPattern]


class _Bucket(Generic[Item]):
    """The patterns of one ``key``, each filed under the pair it shares with the fewest others."""

    __slots__ = ("by_name", "filed_under", "unfiled")

    def __init__(self) -> None:
        self.by_name: dict[Hashable, dict[Hashable, _Patterns[Item]]] = {}
        self.filed_under: dict[Item, _Pair | None] = {}
        self.unfiled: _Patterns[Item] = {}

    def add(self, item: Item, pattern: FiltPattern) -> None:
        pairs = [pair for pair in pattern.pairs if pair[0] != "key"]
        pair = min(pairs, key=self._crowd, default=None)
        self.filed_under[item] = pair
        if pair is None:
            self.unfiled[item] = pattern
        else:
            name, value = pair
            self.by_name.setdefault(name, {}).setdefault(value, {})[item] = pattern

    def remove(self, item: Item) -> None:
        if item not in self.filed_under:
            return
        pair = self.filed_under.pop(item)
        if pair is None:
            del self.unfiled[item]
            return
        name, value = pair
        del self.by_name[name][value][item]
        if not self.by_name[name][value]:
            del self.by_name[name][value]
        if not self.by_name[name]:
            del self.by_name[name]

    def find(self, view: FiltView) -> Iterator[Item]:
        yield from _matching(self.unfiled, view)
        by_name = self.by_name
        if not by_name:
            return
        for name in view:
            by_value = by_name.get(name)
            if by_value is not None:
                patterns = by_value.get(view.get(name))
                if patterns is not None:
                    yield from _matching(patterns, view)

    def _crowd(self, pair: _Pair) -> tuple[int, bool]:
        """Say how many are filed under a pair; among equals, names already looked up come first."""
        by_value = self.by_name.get(pair[0])
        if by_value is None:
            return 0, True
        return len(by_value.get(pair[1], ())), False


def _matching(patterns: _Patterns[Item], view: FiltView) -> Iterator[Item]:
    for item, pattern in list(patterns.items()):
        if pattern.matches(view):
            yield item


class FiltIndex(Generic[Item]):
    """Items under filts that contain a ``key``. Not locked: its user is."""

    __slots__ = ("_buckets", "_keys")

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket[Item]] = {}
        self._keys: dict[Item, str] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Item]:
        return iter(list(self._keys))

    def add(self, filt: Filt, item: Item) -> None:
        """File an item under a checked filt; an item that is there already stays as it is."""
        if item in self._keys:
            return
        key = filt["key"]
        self._keys[item] = key
        self._buckets.setdefault(key, _Bucket()).add(item, FiltPattern(filt))

    def remove(self, item: Item) -> None:
        """Forget an item; unknown ones are ignored."""
        key = self._keys.pop(item, None)
        if key is None:
            return
        bucket = self._buckets[key]
        bucket.remove(item)
        if not bucket.filed_under:
            del self._buckets[key]

    def find(self, filt: Filt) -> list[Item]:
        """Give the items whose filt the given one contains, in no particular order."""
        key = filt.get("key")
        bucket = self._buckets.get(key) if isinstance(key, str) else None
        return [] if bucket is None else list(bucket.find(FiltView(filt)))
