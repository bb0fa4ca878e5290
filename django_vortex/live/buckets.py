"""Items by the values that they are filed under: `Buckets`.

Most values have one item, so a set is made only for a second one.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Set
from typing import Any, Generic, TypeVar

from django_vortex.live.comparing import KeyKinds, is_one_kind

_T = TypeVar("_T", bound=Hashable)


class Buckets(Generic[_T]):
    """Items, each under some values or keys, for finding those under others."""

    __slots__ = ("_items", "_kinds")

    def __init__(self) -> None:
        self._items: dict[Any, _T | set[_T]] = {}
        self._kinds: Counter[tuple[type, ...]] = Counter()

    def add(self, item: _T, values: Set[Any], kinds: KeyKinds) -> None:
        """File an item.

        Args:
            item: The item, which is no set.
            values: What it is filed under.
            kinds: Their types.
        """
        self._kinds.update(kinds)
        for value in values:
            present = self._items.get(value)
            if present is None:
                self._items[value] = item
            elif isinstance(present, set):
                present.add(item)
            else:
                self._items[value] = {present, item}

    def remove(self, item: _T, values: Set[Any], kinds: KeyKinds) -> None:
        """Take an item out that was filed so."""
        for kind in kinds:
            self._kinds[kind] -= 1
            if not self._kinds[kind]:
                del self._kinds[kind]
        for value in values:
            present = self._items[value]
            if not isinstance(present, set):
                del self._items[value]
            elif len(present) > 1:
                present.remove(item)
            else:
                del self._items[value]

    def find(self, values: Collection[Any], kinds: KeyKinds) -> Collection[_T] | None:
        """Return the items under some values; None if these cannot be compared with all others.

        Args:
            values: What is looked for; None is NULL, which can be compared with everything.
            kinds: The types of those that are not None.
        """
        if kinds and not is_one_kind(kinds | self._kinds.keys()):
            return None
        if len(values) == 1:
            return self._find(next(iter(values)))
        found: set[_T] = set()
        for value in values:
            found.update(self._find(value))
        return found

    def _find(self, value: Any) -> Collection[_T]:
        present = self._items.get(value)
        if present is None:
            return ()
        return present if isinstance(present, set) else (present,)
