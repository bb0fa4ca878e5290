"""What both ends of a connection know by name: keys of filts, and the codes with which it closes.

Takes nothing, gives constants; the server writes what a client reads, and the other way round.
"""

from typing import Final

MESSAGE_ID: Final = "PayloadResponse.messageId"
"""The filt key of a message whose sender waits for the answer (PROTOCOL section 8)."""

ERROR_KEY: Final = "vortex.error"
"""The ``key`` of what a peer is told about a message whose own filt could not be read."""

CANCEL_KEY: Final = "vortex.cancel"
"""The ``key`` of a message with which a client takes a request back; nobody answers it."""

CANCELLED_ID: Final = "id"
"""The filt key of a cancellation under which the request's `MESSAGE_ID` stands."""

CLOSING_KEY: Final = "vortex.closing"
"""The ``key`` of the last message of an HTTP response, which tells what a close frame would."""

UPDATE_REQUIRED: Final = "update-required"
"""How what a peer is told begins whose version is not served any more, on either transport."""

NORMAL_CLOSURE: Final = 1000
"""Ended on purpose, nothing is wrong: replaced by a newer stream, or the server stops."""
NOT_THIS_USER_CLOSURE: Final = 4401
"""The login that the stream began with has ended, or its token names nobody."""
STALE_COOKIES_CLOSURE: Final = 4408
"""The session of the stream is gone, maybe for a new key of the same user: come again."""
MALFORMED_CLOSURE: Final = 4400
"""What the peer sent can not be followed any further."""
REFUSED_CLOSURE: Final = 4403
"""The uuid belongs to a peer with another identity, found out after the stream was accepted."""
UPDATE_REQUIRED_CLOSURE: Final = 4426
"""The version of the peer is not served any more; the reason begins with `UPDATE_REQUIRED`."""
THROTTLED_CLOSURE: Final = 4429
"""The peer comes or asks too often; the reason begins with the seconds to wait: ``7 s: ...``."""
STOPPING_CLOSURE: Final = 4503
"""The server takes no peers now; the reason begins with the seconds to wait."""
SILENT_CLOSURE: Final = 4007
"""Nothing was heard of the peer, or nothing could be written to it, for too long."""
SLOW_CLOSURE: Final = 4008
"""More waits for the peer than its outbox may hold."""
