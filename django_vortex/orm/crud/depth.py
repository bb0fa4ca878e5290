"""How deep a value of a field may be nested, so that it can be told again."""

from typing import Any

from django_vortex.wire.encode_plans import TUPLE_DEPTH


def is_too_deep(value: Any, depth: int) -> bool:
    """Return whether a value in a tuple is nested deeper than messages may be.

    Args:
        value: What is going to be stored.
        depth: How many lists and objects may be inside one another in a message.
    """
    level = [value] if isinstance(value, (list, dict)) else []
    for _ in range(depth - TUPLE_DEPTH):
        inner: list[Any] = []
        for one in level:
            items = one.values() if isinstance(one, dict) else one
            inner += [item for item in items if isinstance(item, (list, dict))]
        if not inner:
            return False
        level = inner
    return True
