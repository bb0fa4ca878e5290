"""What stands for another value: proxies, and values that are made when they are first used.

Takes a value, gives the one that it stands for. Proxies are known by their class, which is not the
one they claim to be; lazy values of a framework by what the framework registers
(`TupleRegistry.add_stand_in`).
"""

from __future__ import annotations

import weakref
from typing import Any

from django_vortex.exceptions import UnencodableValue, quoted

_WEAK = (weakref.ProxyType, weakref.CallableProxyType)

_ACCESSORS = ("_get_current_object", "__wrapped__")
"""What libraries of proxies call the way to the object itself."""


def unwrap(value: Any) -> object:
    """Return the object behind a proxy.

    Raises:
        UnencodableValue: It is no proxy, or one of an unknown kind.
    """
    kind, claimed = type(value), value.__class__
    if kind is claimed:
        name = kind.__qualname__
        raise UnencodableValue(
            f"Cannot encode {quoted(value)}: {name} is neither a value that travels nor a "
            "registered tuple type"
        )
    for found in _find_behind(value, kind):
        if found is not value and found.__class__ is claimed:
            return found
    raise UnencodableValue(
        f"Cannot encode a {kind.__qualname__}, which stands for a {claimed.__qualname__}: "
        "pass the object itself"
    )


def _find_behind(value: Any, kind: type) -> list[Any]:
    if issubclass(kind, _WEAK):
        return [value.__repr__.__self__]
    found = []
    for name in _ACCESSORS:
        access = getattr(value, name, None)
        found.append(access() if name == "_get_current_object" and callable(access) else access)
    return found
