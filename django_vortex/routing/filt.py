"""Filts: the dicts by which messages are routed.

Takes the filt of an endpoint and the filt of a message, says whether the second contains the first
(PROTOCOL section 7):

* every pair of the endpoint's filt must be in the message's; an absent key never matches, not even
  for ``None``;
* scalars are compared as Python does, so ``True == 1 == 1.0``; ``nan`` equals ``nan``;
* lists, tuples and sets are compared as multisets: the order does not count, how often an element
  occurs does. Nothing is sorted, so elements of any kind may be mixed.
  Those of more than `MAX_FROZEN_ITEMS` are compared as Python does, order and all: a peer could
  choose elements whose hashes collide, which would take time without end;
* dicts are compared like filts, the message's may contain more; within lists they must be equal;
* a `TupleSelector` is compared by its canonical text, which is what its own equality does.

Whatever a peer sends, nothing here raises.
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.typedefs import Filt

MAX_FROZEN_ITEMS = 256
"""Elements of a list up to which their order does not count."""

MISSING = object()
"""Stands for the value of a name that a filt does not have."""

_NAN = "nan"
_SCALARS = frozenset({str, int, bool, bytes, type(None)})


class _Unhashable:
    """A value that cannot be hashed, compared by its own equality."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __hash__(self) -> int:
        return hash(type(self.value))  # of equal values, since types are compared, too

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Unhashable):
            return NotImplemented
        if type(self.value) is not type(other.value):
            return False
        try:
            return bool(self.value == other.value)
        except Exception:  # a foreign `__eq__`; what cannot be compared is not equal
            return self.value is other.value


def freeze(value: Any) -> Hashable:
    """Return the hashable form of a value; equal forms are values that routing takes for equal.

    Also the way to use a whole filt as a dict key.
    """
    kind = type(value)
    if kind in _SCALARS:
        return value  # type: ignore[no-any-return]
    if isinstance(value, (dict, list, tuple, set, frozenset)) and len(value) > MAX_FROZEN_ITEMS:
        return _Unhashable(list(value) if isinstance(value, tuple) else value)
    if isinstance(value, dict):
        return dict, frozenset((freeze(key), freeze(item)) for key, item in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return list, frozenset(Counter(map(freeze, value)).items())
    if isinstance(value, bytearray):
        return bytes(value)
    try:
        if value != value:  # only a nan is not itself
            return float, _NAN
        hash(value)
    except Exception:  # a foreign `__eq__` or `__hash__`, also those of Decimal("sNaN")
        return _Unhashable(value)
    return value  # type: ignore[no-any-return]


class FiltView:
    """The filt of a message, each value frozen at most once."""

    __slots__ = ("_frozen", "filt")

    def __init__(self, filt: Mapping[Any, Any]) -> None:
        self.filt = filt
        self._frozen: dict[Any, Hashable] = {}

    def get(self, name: Hashable) -> Hashable:
        """Return the frozen value of a name, or `MISSING`."""
        value = self.filt.get(name, MISSING)
        if value is MISSING or type(value) in _SCALARS:
            return value  # type: ignore[no-any-return]
        try:
            return self._frozen[name]
        except KeyError:
            frozen = self._frozen[name] = freeze(value)
            return frozen


class FiltPattern:
    """What the filt of a message must contain.

    Takes a copy: a change of the dict it was made from changes nothing.

    Attributes:
        pairs: Name and frozen value of everything that must be equal.
        nested: Name and pattern of every dict, of which the message's may contain more.
    """

    __slots__ = ("nested", "pairs")

    def __init__(self, filt: Mapping[Any, Any]) -> None:
        pairs: list[tuple[Hashable, Hashable]] = []
        nested: list[tuple[Hashable, FiltPattern]] = []
        for name, value in filt.items():
            if isinstance(value, dict):
                nested.append((name, FiltPattern(value)))
            else:
                pairs.append((name, freeze(value)))
        self.pairs = tuple(pairs)
        self.nested = tuple(nested)

    @property
    def is_empty(self) -> bool:
        """Whether every filt matches."""
        return not self.pairs and not self.nested

    def without(self, *names: Hashable) -> "FiltPattern":
        """Return the pattern of what is left when the pairs of some names are known to match."""
        rest = FiltPattern({})
        rest.pairs = tuple(pair for pair in self.pairs if pair[0] not in names)
        rest.nested = self.nested
        return rest

    def matches(self, filt: "FiltView | Mapping[Any, Any]") -> bool:
        """Return whether ``filt`` contains everything that this pattern asks for."""
        view = filt if isinstance(filt, FiltView) else FiltView(filt)
        for name, wanted in self.pairs:
            if view.get(name) != wanted:
                return False
        for name, pattern in self.nested:
            value = view.filt.get(name)
            if not isinstance(value, dict) or not pattern.matches(value):
                return False
        return True


def check_filt(filt: object) -> Filt:
    """Return a copy of an endpoint's filt.

    Raises:
        DefinitionError: It is not a dict with a text under ``key``.
    """
    if not isinstance(filt, dict):
        raise DefinitionError(f"Expected `dict`, got {quoted(filt)} - at `filt`")
    if "key" not in filt:
        raise DefinitionError(f"Filt {quoted(filt)} has no 'key'; routing looks that up first")
    if not isinstance(filt["key"], str):
        raise DefinitionError(f"Expected `str`, got {quoted(filt['key'])} - at `filt['key']`")
    return dict(filt)
