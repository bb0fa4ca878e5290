"""What two answers are compared by: `ListState`, the tag of an answer and a short entry a row.

Takes the rows of an answer and what was encoded of them, gives their state: 24 bytes a row, 8 that
stand for which row it is and 16 for its content, the same in every process.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from typing import Any, Final, TypeAlias

from django_vortex.exceptions import DefinitionError
from django_vortex.tuples import TupleRegistry
from django_vortex.tuples.canonical import canonical_text

KEY_BYTES: Final = 8
"""Two rows may have the same by chance: then it only takes more to say what has changed."""

CONTENT_BYTES: Final = 16
"""Rows with the same are taken for equal, so it takes a digest that nobody finds another for."""

ENTRY_BYTES: Final = KEY_BYTES + CONTENT_BYTES

TAG_BYTES: Final = 15
"""Twenty characters of base64."""

GetKey: TypeAlias = Callable[[Any], object]
"""Returns what tells a row from all others of its list, None if that is not known."""

_MAX_INT: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class ListState:
    """What is remembered of an answer.

    Attributes:
        tag: A digest of the answer, order included.
        is_one: Whether it is a single tuple or value and not a list.
        entries: The entries of all rows in order, `ENTRY_BYTES` each.
    """

    tag: str
    is_one: bool
    entries: bytes

    def __len__(self) -> int:
        return len(self.entries) // ENTRY_BYTES


def make_state(
    tuples: Sequence[Any],
    is_one: bool,
    canonical: Sequence[bytes],
    registry: TupleRegistry,
    get_key: GetKey | None = None,
) -> ListState:
    """Return the state of an answer.

    Args:
        tuples: Its rows.
        is_one: Whether it is a single one.
        canonical: The JSON of each, equal for equal rows.
        registry: Knows the primary keys of rows.
        get_key: Tells rows from one another, in place of the registry.
    """
    contents = [blake2b(one, digest_size=CONTENT_BYTES).digest() for one in canonical]
    keys = _find_keys(tuples, registry, get_key)
    # A row without a key is known by its content.
    parts = [
        (content[:KEY_BYTES] if key is None else key) + content
        for key, content in zip(keys, contents, strict=True)
    ]
    return make_state_of_entries(b"".join(parts), is_one)


def make_state_of_entries(entries: bytes, is_one: bool) -> ListState:
    """Return a state with its tag."""
    whole = blake2b(entries, digest_size=TAG_BYTES, person=b"one" if is_one else b"list")
    return ListState(urlsafe_b64encode(whole.digest()).decode(), is_one, entries)


def _find_keys(
    tuples: Sequence[Any], registry: TupleRegistry, get_key: GetKey | None
) -> list[bytes | None]:
    if get_key is not None:
        return [_pack(get_key(one), registry) for one in tuples]
    keys: list[bytes | None] = []
    for cls, run in groupby(tuples, type):
        names = _get_key_names(cls, registry)
        if not names:
            keys += [None for _ in run]
        elif len(names) == 1:
            (name,) = names
            keys += [_pack(vars(one).get(name), registry) for one in run]
        else:
            keys += [_pack(_read_key(vars(one), names), registry) for one in run]
    return keys


def _get_key_names(cls: type, registry: TupleRegistry) -> Sequence[str]:
    """Return the fields of the key of a class, none where instances do not hold them in a dict."""
    tuple_type = registry.get_by_class(cls)
    if tuple_type is None or not cls.__dictoffset__:
        return ()
    return tuple_type.adapter.get_key_names(cls)


def _read_key(values: dict[str, Any], names: Sequence[str]) -> tuple[Any, ...] | None:
    key = tuple(map(values.get, names))
    return None if None in key else key


def _pack(key: object, registry: TupleRegistry) -> bytes | None:
    """Return what stands for a key, None if there is none."""
    if key is None:
        return None
    if type(key) is int and -_MAX_INT <= key < _MAX_INT:
        return struct.pack(">q", key)
    try:
        text = canonical_text(key, registry)
    except DefinitionError:  # a key that cannot travel tells nothing in other processes
        return None
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()
