"""Selectors: a tuple type and the conditions that select some of its tuples.

Takes the name of a tuple type and a dict of conditions, gives a hashable value that travels.
"""

from __future__ import annotations

from typing import Any

from django_vortex.tuples.base import Tuple
from django_vortex.tuples.canonical import canonical_text
from django_vortex.tuples.fields import TupleField
from django_vortex.tuples.registry import add_built_in, registry


class TupleSelector(Tuple):
    """A name of a tuple type with conditions that select some of its tuples.

    Equal to another selector with the same canonical text. Not to be changed once it is used as a
    key; make another one instead.

    Args:
        name: The tuple type selected.
        selector: The conditions; what they mean is up to the provider of the tuples.
    """

    name: str = TupleField(str)
    selector: dict[Any, Any] = TupleField(dict, default_factory=dict)

    def __init__(self, name: str, selector: dict[Any, Any] | None = None) -> None:
        super().__init__(name=name, selector={} if selector is None else selector)

    @property
    def canonical(self) -> str:
        """The text that identifies the selector (PROTOCOL 4.2), the same as in VortexPY.

        Raises:
            DefinitionError: A condition holds something that cannot travel.
        """
        members = {"name": self.name, "selector": self.selector}
        return canonical_text(members, registry)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TupleSelector):
            return NotImplemented
        return self.canonical == other.canonical

    def __hash__(self) -> int:  # type: ignore[override]  # immutable by convention
        return hash(self.canonical)

    def __repr__(self) -> str:
        return f"TupleSelector({self.name!r}, {self.selector!r})"


add_built_in("vortex.TupleSelector", TupleSelector)
