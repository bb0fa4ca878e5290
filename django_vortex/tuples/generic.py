"""Tuples of a type that is not registered here: `GenericTuple`.

Clients read them where servers refuse them: a client trusts its server, and needs no class to show
or to send back what it got.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class GenericTuple:
    """A record with the name of its type and the fields that came.

    Fields are attributes, ``row.title``. Those named like something here are in ``fields`` only.

    Attributes:
        type_name: The name of the type on the wire.
        fields: The values by field, to be read and set.
    """

    __slots__ = ("fields", "type_name")
    __hash__ = None  # type: ignore[assignment]  # equal by value and mutable

    type_name: str
    fields: dict[str, Any]

    def __init__(self, type_name: str, fields: Mapping[str, Any]) -> None:
        object.__setattr__(self, "type_name", type_name)
        object.__setattr__(self, "fields", dict(fields))

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self.fields:
            return self.fields[name]
        raise AttributeError(f"A tuple of type {self.type_name!r} came without {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in GenericTuple.__slots__:
            raise AttributeError(f"Set a field of that name by fields[{name!r}]")
        if name not in self.fields:
            raise AttributeError(f"A tuple of type {self.type_name!r} came without {name!r}")
        self.fields[name] = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GenericTuple):
            return NotImplemented
        return (self.type_name, self.fields) == (other.type_name, other.fields)

    def __reduce__(self) -> tuple[type[GenericTuple], tuple[str, dict[str, Any]]]:
        """Let it be copied and pickled, which set attributes in other ways."""
        return GenericTuple, (self.type_name, self.fields)

    def __repr__(self) -> str:
        parts = (f"{name}={value!r}" for name, value in self.fields.items())
        return f"<{self.type_name} {', '.join(parts)}>"
