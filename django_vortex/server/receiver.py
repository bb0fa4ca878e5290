"""All that one peer says: `Receiver` makes requests of it, at the pace that the peer may have.

Takes what came over the streams of a peer, starts a task for each request and returns at once.
"""

import asyncio
import copy
from collections.abc import Iterable
from typing import Any, Final

from django_vortex.exceptions import (
    LimitExceeded,
    PeerError,
    ShuttingDown,
    TooManyRequests,
    quoted,
    shortened,
)
from django_vortex.logs import get_limited_logger
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import Request
from django_vortex.server.delivery import UNKNOWN_DIALECT, form_index
from django_vortex.server.host import PeerHost
from django_vortex.server.pace import Patience, shut_out_seconds
from django_vortex.server.requests import Requests
from django_vortex.server.sender import ERROR_FILT, Sender
from django_vortex.server.session import Session
from django_vortex.typedefs import Filt
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import (
    CountsReceived,
    EnvelopeReceived,
    Event,
    FailureReceived,
    HeartbeatReceived,
)
from django_vortex.wire.protocol import Protocol
from django_vortex.wire.reserved import (
    CANCEL_KEY,
    CANCELLED_ID,
    MALFORMED_CLOSURE,
    MESSAGE_ID,
    THROTTLED_CLOSURE,
)

logger = get_limited_logger("django_vortex.server")

ECHO_KEY: Final = "rapuiServerEcho"
"""The filt key of a message that its sender wants back (PROTOCOL 8)."""


class Receiver(Sender):
    """A sender that hears what the peer says, and answers its requests.

    Args:
        server: Answers requests, and knows how often peers may ask.
        peer: The other end.
    """

    __slots__ = ("_patience", "_protocol", "_requests", "heard_at", "is_closed", "peer")

    _server: PeerHost[Any]

    def __init__(self, server: PeerHost[Any], peer: Peer) -> None:
        super().__init__(server)
        self.peer = peer
        """The other end, as its newest stream knows it."""
        self.heard_at = server.now
        """When something came from the peer, on the monotonic clock."""
        self.is_closed = False
        """Whether the peer is gone for good, or lives on in another process."""
        self._protocol: Protocol | None = None
        self._patience: Patience | None = None
        self._requests = Requests(self._answer, server.options.max_requests_in_flight)

    def send(self, envelope: PayloadEnvelope) -> None:
        """Send the peer what it asked for."""
        raise NotImplementedError

    def close(self, code: int, reason: str) -> None:
        """End the connection. Returns at once."""
        raise NotImplementedError

    def receive(self, data: str | bytes) -> None:
        """Take what came over the stream, cut anywhere. Returns at once."""
        protocol = self._protocol
        if protocol is None:
            framed = self._stream is not None and self._stream.framed
            protocol = Protocol(self._codec, framed=framed, dialect=self.dialect)
            self._protocol = protocol
        self.receive_events(protocol.receive(data), protocol.dialect)

    def receive_events(self, events: Iterable[Event], dialect: Dialect | None) -> None:
        """Take what a protocol has read, and the dialect that it found the peer to speak."""
        self.heard_at = self._server.now
        if dialect is not self.dialect and dialect is not None:
            self._learn(dialect)
        self._take_events(events)

    def _take_events(self, events: Iterable[Event]) -> None:
        stream = self._stream
        for event in events:
            if self.is_closed or (self._session is not None and self._stream is not stream):
                return
            if self._session is not None and not self._count(self._session, event):
                continue
            if isinstance(event, EnvelopeReceived):
                self._route(event.envelope)
            elif isinstance(event, FailureReceived):
                logger.warning(
                    "A peer named %s sent what is no message: %s",
                    quoted(self.peer.name),
                    shortened(str(event.error)),
                )
                filt = event.filt or ERROR_FILT
                if not self._refuse_over_rate(filt):
                    self._send_error(filt, event.error)
                if event.fatal:
                    self.close(MALFORMED_CLOSURE, "The message can not be read")

    def _count(self, session: Session, event: Event) -> bool:
        """Count what has come; return whether it is a message that is new."""
        if isinstance(event, CountsReceived):
            is_right = event.sent == session.arrivals.arrived
            if not is_right or not session.window.acknowledge(event.received):
                self._lose_count()
                return False
            self.tell_counts()
            self._pump()
            return False
        size = event.envelope.size if isinstance(event, EnvelopeReceived) else 0
        if isinstance(event, HeartbeatReceived) or not session.arrivals.take(size):
            return False
        if session.arrivals.is_telling_due():
            self.tell_counts()
        return True

    def tell_counts(self) -> None:
        """Tell the peer what has come from it, before anything that waits."""
        if self._session is None or self._stream is None:
            return
        if self._is_writing:
            self._is_beat_due = True
        else:
            self._write_beat()

    def _lose_count(self) -> None:
        """React to counts of the peer that cannot be."""
        raise NotImplementedError

    async def ready(self) -> None:
        """Wait until the peer has no request waiting for another; then read on from it."""
        await self._requests.ready()

    @property
    def reads_binary(self) -> bool:
        """Whether binary frames of the peer are pieces, which must not be cut."""
        return self._protocol is not None and self._protocol.reads_binary

    @property
    def requests(self) -> Requests:
        """What the peer has asked and not been told yet."""
        return self._requests

    def _learn(self, dialect: Dialect) -> None:
        self.dialect = dialect
        framed = self._stream is not None and self._stream.framed
        self._form = form_index(dialect, framed)
        self._heartbeat = self._server.heartbeat_text(dialect)

    def _is_form_framed(self) -> bool:
        return bool(self._form % 2)

    def _route(self, envelope: PayloadEnvelope) -> None:
        if envelope.is_empty:
            return
        if envelope.filt.get("key") == CANCEL_KEY:
            self._cancel(envelope.filt)
            return
        if self._refuse_over_rate(envelope.answer_filt):
            return
        if ECHO_KEY in envelope.filt:
            filt = dict(envelope.filt)
            del filt[ECHO_KEY]
            envelope.filt = filt
            self.send(copy.copy(envelope))
        if self._server.is_draining and not (self._session is not None and self._server.is_parting):
            self._send_error(envelope.answer_filt, ShuttingDown())
        elif not self._requests.add(envelope):
            error = LimitExceeded("Too many requests wait; send more when some are answered")
            self._send_error(envelope.answer_filt, error)

    def _cancel(self, filt: Filt) -> None:
        """End a request that the peer has taken back; one that is unknown or over is nothing."""
        message_id = filt.get(CANCELLED_ID)
        if self._requests.withdraw(message_id):
            return  # it costs nothing: the request was counted
        withdrawals = self._server.withdrawals
        if not withdrawals.withdraw_here(self, message_id) and not self._refuse_over_rate(filt):
            withdrawals.publish(self, message_id)

    def _refuse_over_rate(self, filt: Filt) -> bool:
        """Count a message, whatever is in it; return whether its peer had to be told to wait."""
        pace = self._server.pace
        if not pace.limits_requests or not (wait := pace.get_wait(self.peer)):
            return False
        self._send_error(filt, TooManyRequests(wait))
        self._bear(wait)
        return True

    def _bear(self, wait: float) -> None:
        """Note that the peer was told to wait, and close it if it does not."""
        if self._patience is None:
            self._patience = Patience()
        if self._patience.is_over(wait, self._server.monotonic()):
            seconds = shut_out_seconds(wait)
            self._server.pace.shut_out(self.peer, seconds)
            self.close(THROTTLED_CLOSURE, f"{seconds} s: Too many requests")

    def _send_error(self, filt: Filt, error: PeerError) -> None:
        self.send(self._error_envelope(filt, error))

    async def _answer(self, envelope: PayloadEnvelope) -> None:
        request = Request(
            envelope,
            self.peer,
            codec=self._codec,
            dialect=self.dialect or UNKNOWN_DIALECT,
            is_framed=self._is_form_framed(),
            task=asyncio.current_task(),
        )
        reflecting = self._server.reflecting
        written = None if reflecting is None else reflecting.begin(self.peer.uuid)
        try:
            replies = await self._server.payload_io.process(request)
            if written is not None and written.is_told and reflecting is not None:
                reflecting.reflect(self, envelope.filt.get(MESSAGE_ID))
            if replies and not request.is_cancelled:  # a handler may have gone on all the same
                self._server.replies.send_soon(self, replies)
            if request.retry_after:
                self._bear(request.retry_after)
        finally:
            if request.is_waited_for:  # behind the replies, which are sent in the next turn
                asyncio.get_running_loop().call_soon(request.call_waiting)
