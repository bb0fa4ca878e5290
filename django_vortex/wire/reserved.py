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

MOVE_KEY: Final = "vortex.move"
"""The ``key`` of what a server that stops tells peers with sessions: leave, and come back."""

MOVE_SPAN: Final = "span"
"""Within how many seconds they are to leave, each at a random moment."""

MOVE_SERVER: Final = "server"
"""The uuid of that server; what another has left to be delivered means nothing."""

WATCH_KEY: Final = "vortex.watch"
"""The ``key`` of a request for watches: a tuple for each, with its filt and the tag one has."""

UNWATCH_KEY: Final = "vortex.unwatch"
"""The ``key`` of a message that ends watches, whose names are its tuples."""

WATCHED_KEY: Final = "vortex.watched"
"""The ``key`` of what is pushed to those who watch; the constants below are keys beside it."""

WATCH_NAME: Final = "watch"
"""The name of the watch; also in the reply to `WATCH_KEY`."""

WATCHED_AT: Final = "at"
"""What the answer is not older than: process and position."""

FROM_TAG: Final = "from"
"""The tag of the list that a delta changes; equal to `TO_TAG` where nothing has changed."""

TO_TAG: Final = "to"
"""The tag of the answer."""

IS_ONE: Final = "one"
"""Whether the answer is a single value or tuple and not a list."""

GONE: Final = "gone"
"""Positions in the old list of the rows that are not in the new one as they were."""

PUT: Final = "put"
"""Positions in the new list of the rows that the payload has, in that order."""

WAS: Final = "was"
"""For each of these where its former version was in the old list, null where there was none."""

MOVED: Final = "moved"
"""Pairs of new and old position of rows that are unchanged but for their place."""

IS_ENDED: Final = "ended"
"""Whether the watch is over with the error that is told."""

REFLECTING_KEY: Final = "vortex.reflecting"
"""The ``key`` of what comes before the reply to a request that has changed what is watched."""

REFLECTED_KEY: Final = "vortex.reflected"
"""The ``key`` of what comes when all that the peer watches contains what it has changed."""

REQUEST_ID: Final = "id"
"""The filt key of both under which the request's `MESSAGE_ID` stands."""

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
STALE_CLOSURE: Final = 4409
"""The stream has come too late: its peer has opened a newer one."""
TOO_LONG_CLOSURE: Final = 1009
"""A message is longer than whoever ends the stream takes (RFC 6455)."""
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
MOVE_CLOSURE: Final = 4012
"""The server stops: come back at a random moment within the seconds that the reason begins with."""
