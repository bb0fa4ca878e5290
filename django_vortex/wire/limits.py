"""What a peer may make us hold.

Takes the settings' numbers, gives them to the splitter and to the codec.
"""

from dataclasses import dataclass
from typing import Final

ENVELOPE_CONTAINERS: Final = 20_000
"""How many lists and objects may be in an envelope beside its payload, thus in filt and result."""

D0_CONTAINERS: Final = 200_000
"""The same for all D0 messages of one body, which are parsed whole before anybody asks for them."""

CONTAINERS_PER_TUPLE: Final = 10
"""How many lists and objects a payload may hold for each tuple that it may carry."""

MIN_CONTAINERS: Final = 1000


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

    @property
    def containers(self) -> int:
        """How many lists and objects a payload's JSON may hold.

        An empty list is three bytes on the wire and sixty in memory, and making millions of them
        takes seconds in which nothing else runs.
        """
        return MIN_CONTAINERS + CONTAINERS_PER_TUPLE * self.tuples
