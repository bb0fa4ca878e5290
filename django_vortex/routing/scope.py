"""The joined scopes of permissions, independent of an ORM: `JoinedScope`.

Takes the scopes of permissions as applications write them, gives a `JoinedScope`; what makes
conditions of scopes understands it.
"""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class JoinedScope:
    """Several scopes as one.

    Attributes:
        how: Whether rows are in all of the scopes, in at least one, or not in the only one.
        scopes: Each as `Permission.scope` returns it.
    """

    how: Literal["all", "any", "not"]
    scopes: tuple[Any, ...]


NO_ROWS = JoinedScope("any", ())
"""The scope that no row is in."""
