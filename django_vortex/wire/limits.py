"""What a peer may make us hold.

Takes the settings' numbers, gives them to the splitter and to the codec.
"""

from dataclasses import dataclass
from typing import Final

from django_vortex.wire.pieces import MAX_PIECED_BYTES

ENVELOPE_VALUES: Final = 10_000
"""How many values may be in filt and in result: they are decoded before anybody asks for them."""

D0_CONTAINERS: Final = 200_000
"""How many lists and objects may be in all D0 messages of one body.

They are parsed whole before anybody asks for them.
"""

D0_CONTAINERS_PER_BYTE: Final = 4
"""How many of them a D0 message may hold for each compressed byte, beside `FREE_CONTAINERS`."""

D0_FREE_VALUES: Final = 200_000
"""How many values a D0 message may hold however few bytes arrived."""

D0_VALUES_PER_BYTE: Final = 8
"""How many more for each compressed byte."""

CONTAINERS_PER_TUPLE: Final = 10
"""How many lists and objects a payload may hold for each tuple that it may carry."""

MIN_CONTAINERS: Final = 1000

FREE_CONTAINERS: Final = 20_000
"""How many lists and objects a payload may hold however few bytes arrived: 2000 equal rows."""

CONTAINERS_PER_BYTE: Final = 32
"""How many more for each byte of base64 that arrived.

Equal rows are made small by zlib 1032 times at most, and base64 makes four bytes of three. The
shortest wrapper of a value has 22 bytes, so what real rows can reach is 1032 * 3 / 4 / 22 = 35.
"""

FREE_INFLATED_BYTES: Final = 4_194_304
"""How long a payload's JSON may be however few bytes arrived."""

INFLATION: Final = 256
"""How many more bytes of JSON for each byte of base64 that arrived."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds of one message."""

    message_bytes: int = 1_048_576
    """Length of a message on the wire."""

    inflated_bytes: int = 16_777_216
    """Length of a payload's JSON; inflating stops there."""

    pieced_bytes: int = MAX_PIECED_BYTES
    """How long the JSON of a payload may be that is written in pieces, and not compressed."""

    depth: int = 64
    """How many lists and objects may be inside one another."""

    tuples: int = 100_000
    """How many tuples a payload may carry."""

    def get_containers(self, arrived: int | None) -> int:
        """Return how many lists and objects a payload's JSON may hold.

        An empty list is three bytes of JSON, a hundredth of one on the wire and sixty in memory,
        and making millions of them takes seconds in which nothing else runs.

        Args:
            arrived: Bytes of base64 that arrived, None if they do not count.
        """
        most = MIN_CONTAINERS + CONTAINERS_PER_TUPLE * self.tuples
        if arrived is None:
            return most
        return min(most, FREE_CONTAINERS + CONTAINERS_PER_BYTE * arrived)

    def get_inflated_bytes(self, arrived: int | None) -> tuple[int, str]:
        """Return how long a payload's JSON may be, and what that limit is called.

        Args:
            arrived: Bytes that arrived of it, None if they do not count.
        """
        in_proportion = FREE_INFLATED_BYTES + INFLATION * (arrived or 0)
        if arrived is not None and in_proportion < self.inflated_bytes:
            return in_proportion, f"{INFLATION} times its size and {FREE_INFLATED_BYTES} bytes"
        return self.inflated_bytes, "max_inflated_bytes"
