"""The forms in which the ends of a vortex write the same messages (PROTOCOL 2).

Takes nothing, gives `Dialect` and what is fixed about each, the envelope field that carries the
encoded payload and whether a message may be raw JSON, and `WireForm`: a dialect on a transport.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from django_vortex.wire.versions import VERSION


class Dialect(Enum):
    """A form of the messages; a peer speaks one of them for as long as it is connected."""

    D0 = "D0"
    """VortexPY 0.x: no envelope, but ``base64(zlib(payload JSON))`` with the envelope's fields."""

    D1 = "D1"
    """VortexPY 1 to 2.6 and VortexJS 2.4: base64 of the envelope, payload in ``encodedPayload``."""

    D1B = "D1B"
    """VortexPY 3.0 to 3.2: base64 of the envelope, payload in ``data``."""

    D2 = "D2"
    """VortexPY 3.3 to 6: raw envelope JSON on a WebSocket, payload in ``data``."""

    NATIVE_1 = "native"
    """Our own ends as they were: D2 with field types for every Python value."""

    NATIVE = "native-2"
    """Our own ends: the same values; short payloads stand in the envelope, many rows as columns."""

    # Members are singletons; `Enum` hashes their names in Python, and forms are looked up often.
    __hash__ = object.__hash__

    # Plain attributes: they are asked for several times in each message.

    payload_field: str
    """The envelope field that carries the encoded payload; meaningless for D0."""

    is_native: bool
    """Whether it is that of our own ends, in any version: all values are exact."""

    has_short_payloads: bool
    """Whether the JSON of a short payload may stand in the envelope, as ``payload``."""

    has_pieces: bool
    """Whether the JSON of longer ones follows in binary frames, where there are any."""

    has_columns: bool
    """Whether several tuples of a type are written as columns."""

    says_absent: bool
    """Whether a tuple may come without some of its fields; else null stands for those."""

    is_raw_json: bool
    """Whether a message is JSON text as it is where no framing forbids it (WebSocket)."""

    def __init__(self, name: str) -> None:
        is_newest = name == "native-2"
        self.payload_field = "encodedPayload" if name == "D1" else "data"
        self.is_native = self.says_absent = is_newest or name == "native"
        self.has_short_payloads = self.has_pieces = self.has_columns = is_newest
        self.is_raw_json = self.is_native or name == "D2"


NATIVE_NAME: Final = "native"
"""What ``vortexDialect`` in the URL says of our own ends; ``vortexVersion`` says the version."""

_NATIVE_VERSIONS: Final = {1: Dialect.NATIVE_1, 2: Dialect.NATIVE}


def get_native(version: int) -> Dialect:
    """Return how to speak with one of our own ends.

    Args:
        version: What it says of itself. One that is newer than this end can do as this end does.
    """
    return _NATIVE_VERSIONS.get(min(version, VERSION), Dialect.NATIVE_1)


@dataclass(frozen=True, slots=True)
class WireForm:
    """How messages look on one connection.

    Attributes:
        dialect: What the peer reads.
        framed: HTTP: every message is base64 and ends with a dot. Otherwise each is the whole
            text of one WebSocket message.
    """

    dialect: Dialect
    framed: bool
