"""What a class derives from values that are set, kept out of the statements for other rows.

A flush writes whatever has changed in the session. What validators and setters have changed on a
stored row is written with that row, in its turn.
"""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy.orm.attributes import instance_state, set_committed_value

_HELD = "vortex.held"


def hold(row: Any, names: Iterable[str]) -> None:
    """Keep what has changed on these columns of a stored row until `release`."""
    state = instance_state(row)
    changed = set(state.committed_state).intersection(names)
    for name in changed & row.__dict__.keys():
        set_committed_value(row, name, row.__dict__[name])
        state.info.setdefault(_HELD, set()).add(name)


def find_held(row: Any) -> Collection[str]:
    """Return the columns that are held."""
    held: Collection[str] = instance_state(row).info.get(_HELD, frozenset())
    return held


def release(row: Any) -> Collection[str]:
    """Return the columns that were held, and hold them no longer."""
    held: Collection[str] = instance_state(row).info.pop(_HELD, frozenset())
    return held
