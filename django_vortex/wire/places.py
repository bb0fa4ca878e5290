"""Where in a value its encoding failed: the parts of a path.

Takes a container and the iterator that stopped in it, gives ``[3]`` or ``.name``. Nothing is
counted while all goes well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from itertools import islice
from operator import length_hint
from typing import Any

from django_vortex.exceptions import quoted


def index_part(value: Any, items: Iterator[Any]) -> str:
    """Return the part of the item that an iterator over a list gave last."""
    index = _get_index(value, items)
    return "" if index is None else f"[{index}]"


def key_part(value: dict[Any, Any], items: Iterator[Any]) -> str:
    """Return the part of the item that an iterator over the items of a dict gave last."""
    index = _get_index(value, items)
    if index is None:
        return ""
    key = next(islice(value, index, None))
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{quoted(key)}]"


def _get_index(value: Any, items: Iterator[Any]) -> int | None:
    left = length_hint(items, -1)
    return len(value) - left - 1 if left >= 0 and isinstance(value, Sized) else None
