"""Values that tell their row when they are changed, as those of ``sqlalchemy.ext.mutable`` do.

Takes one, gives the plain dicts and lists that travel.
"""

from typing import Any


def to_plain(value: Any) -> Any:
    """Return a value without the classes that track changes, as deep as there are such."""
    kind = value.__class__
    if kind is not dict and isinstance(value, dict):
        return {name: to_plain(one) for name, one in value.items()}
    if kind is not list and isinstance(value, list):
        return [to_plain(one) for one in value]
    return value
