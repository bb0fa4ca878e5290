"""The states that an answer had before, as far as they are remembered.

Takes patches, the newest first, each of which makes a state of the one after it; gives states.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from django_vortex.live.deltas import Patch
from django_vortex.live.tags import ListState

MAX_FORMER: Final = 8
"""How many former states are remembered."""

FORMER_BYTES: Final = 16_384
"""How much of them is remembered."""

Former: TypeAlias = tuple[Patch, ...]


def remember(former: Former) -> Former:
    """Return those of former states that are remembered: the newest, within the bounds."""
    size = 0
    for count, patch in enumerate(former[:MAX_FORMER]):
        size += patch.size
        if size > FORMER_BYTES:
            return former[:count]
    return former[:MAX_FORMER]


def restore(state: ListState, former: Former, tag: str) -> ListState | None:
    """Return the former state with a tag, None if it is not remembered.

    Args:
        state: The state now.
        former: Those before it.
        tag: What is looked for.
    """
    for patch in former:
        state = patch.restore(state)
        if state.tag == tag:
            return state
    return None
