"""Resolve proxies and lazy values: `StandIns`.

Takes a value, gives the one that it stands for. Proxies are known by their class, which is not the
one they claim to be; lazy values of a framework by what the framework registers (`StandIns.add`).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, TypeAlias

from django_vortex.exceptions import UnencodableValue, quoted

Resolve: TypeAlias = Callable[[Any], object]
"""Makes the value that another stands for."""

_WEAK = (weakref.ProxyType, weakref.CallableProxyType)

_ACCESSORS = ("_get_current_object", "__wrapped__")
"""What libraries of proxies call the way to the object itself."""


class StandIns:
    """Which values of a registry travel as others that they stand for."""

    def __init__(self) -> None:
        self._by_base: dict[str, Resolve] = {}
        self._found: dict[type, Resolve] = {}

    def add(self, base: str, resolve: Resolve) -> None:
        """Let the instances of a class travel as what they stand for.

        Args:
            base: The dotted name of the class, so that it need not be imported.
            resolve: Makes the value that an instance stands for.
        """
        self._by_base[base] = resolve
        self._found.clear()

    def has(self, cls: type) -> bool:
        """Return whether the instances of a class are lazy ones that stand for others."""
        return self._get_resolve(cls) is not unwrap

    def includes(self, value: Any) -> bool:
        """Return whether a value stands for another: a proxy, or a lazy one."""
        return type(value) is not value.__class__ or self.has(type(value))

    def resolve(self, value: Any) -> object:
        """Return what a proxy or a lazy value stands for.

        Raises:
            UnencodableValue: It stands for nothing.
        """
        return self._get_resolve(type(value))(value)

    def _get_resolve(self, cls: type) -> Resolve:
        resolve = self._found.get(cls)
        if resolve is None:
            names = (f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__)
            resolve = next((self._by_base[n] for n in names if n in self._by_base), unwrap)
            self._found[cls] = resolve
        return resolve


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
