"""What a peer may make us hold.

Takes the settings' numbers, gives them to the splitter and to the codec.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds of one message."""

    message_bytes: int = 1_048_576
    """Length of a message on the wire."""

    inflated_bytes: int = 16_777_216
    """Length of a payload's JSON; inflating stops there."""

    depth: int = 64
    """How many lists and objects may be inside one another."""

    tuples: int = 100_000
    """How many tuples a payload may carry."""
