"""The server's side of one peer, over all the streams it has one after another: `Connection`.

Takes what the peer sends, starts a task for each request and returns at once; takes pushes and
replies, and streams that come, go and move to other processes.
"""

import asyncio
import copy
from collections.abc import Coroutine, Iterable
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
from django_vortex.routing.address import Address
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import Request
from django_vortex.server.dates import PeerDates
from django_vortex.server.delivery import UNKNOWN_DIALECT, Delivery, form_index
from django_vortex.server.host import PeerHost
from django_vortex.server.identity import Identity
from django_vortex.server.pace import Patience, shut_out_seconds
from django_vortex.server.requests import Requests
from django_vortex.server.sender import ERROR_FILT, Sender
from django_vortex.server.stream import Stream
from django_vortex.server.take_over import Stamp, TakeOver
from django_vortex.server.texts import measure
from django_vortex.typedefs import Filt
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import EnvelopeReceived, Event, FailureReceived
from django_vortex.wire.protocol import Protocol
from django_vortex.wire.reserved import (
    CANCEL_KEY,
    CANCELLED_ID,
    MALFORMED_CLOSURE,
    NORMAL_CLOSURE,
    SILENT_CLOSURE,
    SLOW_CLOSURE,
    THROTTLED_CLOSURE,
)

logger = get_limited_logger("django_vortex.server")

ECHO_KEY: Final = "rapuiServerEcho"
"""The filt key of a message that its sender wants back (PROTOCOL 8)."""


class Connection(Sender):
    """One peer, as the server knows it; made by `Server.open`.

    It outlives its stream when that is an HTTP response: what is due waits in the outbox and
    requests go on. When a WebSocket ends, the connection ends and its requests are cancelled.
    """

    __slots__ = (
        "_patience",
        "_protocol",
        "_requests",
        "attached_at",
        "heard_at",
        "identity",
        "is_closed",
        "is_moved",
        "is_revoked",
        "peer",
        "slot",
        "stamp",
        "take_over",
    )

    _server: "PeerHost[Connection]"

    def __init__(self, server: "PeerHost[Connection]", peer: Peer, identity: Identity) -> None:
        super().__init__(server)
        self.peer = peer
        """The other end, as its newest stream knows it."""
        self.identity = identity
        """Who is behind it."""
        self.heard_at = self.attached_at = server.now
        """When something came from the peer, and its newest stream, on the monotonic clock."""
        self.stamp: Stamp = (server.date(), server.process)
        """When the newest stream came to which process."""
        self.is_closed = False
        """Whether the peer is gone for good, or lives on in another process."""
        self.is_moved = False
        """Whether another process has the peer now; replies travel there."""
        self.is_revoked = False
        """Whether the peer is somebody else now, so that replies are for nobody."""
        self.take_over: TakeOver | None = None
        """Where this peer comes from, while that matters."""
        self.slot = 0
        """The connection's place among the heart-beats."""
        self._protocol: Protocol | None = None
        self._patience: Patience | None = None
        self._requests = Requests(self._answer, server.options.max_requests_in_flight)

    def attach(
        self, stream: Stream, peer: Peer, identity: Identity, dialect: Dialect | None = None
    ) -> None:
        """Go on over a new stream; what the old one did not send is written to it.

        Args:
            stream: Where the peer is from now on.
            peer: The peer as the new stream knows it: its user may have changed.
            identity: Who opened the new stream; the caller has checked that it may.
            dialect: What the peer speaks, if the transport knows.
        """
        self.peer = peer
        self.identity = identity
        self.dialect = dialect or self.dialect
        self.heard_at = self.attached_at = self._server.now
        self._protocol = None
        index = form_index(self.dialect, stream.framed)
        info = self._server.info_text(self.dialect, stream.framed)
        self._set_stream(stream, index, info, self._server.heartbeat_text(self.dialect))

    def detach(self, stream: Stream) -> None:
        """Take notice that a stream has ended; nothing happens if it was replaced already."""
        if stream is self._stream:
            self._lose_stream(self._take_back())

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
        for event in events:
            if self.is_closed:
                return
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

    async def ready(self) -> None:
        """Wait until the peer has no request waiting for another; then read on from it."""
        await self._requests.ready()

    def send(self, envelope: PayloadEnvelope) -> None:
        """Send the peer what it asked for, wherever it is now."""
        if self.is_moved:
            if not self.is_revoked:
                self._send_after(envelope)
        elif not self.is_closed:
            self._send_reply(envelope)

    def deliver(self, delivery: Delivery) -> None:
        """Send the peer a push, unless it got it elsewhere already."""
        take_over = self.take_over
        if take_over is None or take_over.admits(delivery):
            self._offer(delivery, self._dates.stamp(delivery.key, delivery.date))
        elif take_over.held > self._options.outbox_max_messages:
            self._overflow()

    def beat(self) -> None:
        """Send a heart-beat and see that the peer lives; called once in a period."""
        server = self._server
        timeout = server.options.peer_timeout_seconds
        if self._protocol is not None:
            self._take_events(self._protocol.expire(server.now, timeout))
        stream = self._stream
        if stream is not None and not stream.framed and server.now - self.heard_at > timeout:
            self.close(SILENT_CLOSURE, "Nothing was heard of the peer for too long")
        elif not self._beat(server.now, timeout):
            self.close(SILENT_CLOSURE, "The peer reads nothing")

    def close(self, code: int, reason: str) -> None:
        """End the connection, free what waits and cancel the requests. Returns at once."""
        if self.is_closed:
            return
        self.is_closed = True
        stream, self._stream = self._stream, None
        if stream is not None:
            self.end_stream(stream, code, reason)
        self._outbox.clear()
        self._server.forget(self)
        self._requests.cancel()

    def end_stream(self, stream: Stream, code: int, reason: str) -> None:
        """Close a stream of this peer in the words that it knows."""
        last_text = ""
        if stream.framed and code != NORMAL_CLOSURE:
            last_text = self._server.closing_text(self.dialect, code, reason)
        stream.close(code, reason, last_text)

    def revoke(self) -> Stream | None:
        """End what belongs to somebody that the peer is not any more. Returns at once.

        Nothing that waits is sent, and requests that run are cancelled, also where the peer has
        moved on to another process.

        Returns:
            The stream, which nothing comes from or goes to any more and which is to be closed.
        """
        self.is_revoked = True
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.take_unsent()
        self.close(NORMAL_CLOSURE, "")
        self._requests.cancel()
        return stream

    def surrender(self) -> tuple[list[Delivery | str], PeerDates]:
        """Let another process have the peer: all that was not sent, and the last dates.

        The requests go on; their replies travel to wherever the peer is.
        """
        stream = self._stream
        entries: list[Delivery | str] = [*self._take_back(), *self._outbox]
        if stream is not None:
            stream.close(NORMAL_CLOSURE, "Replaced by a newer stream of the same peer")
        self.is_closed = self.is_moved = True
        self._outbox.clear()
        self._server.forget(self)
        return entries, self._dates

    def adopt(self, entries: Iterable[Delivery | str], dates: dict[str, int]) -> None:
        """Take over what another process could not send, in this order, and its last dates."""
        self._dates.merge(dates)
        for entry in entries:
            if self.is_closed:
                return
            if isinstance(entry, str):
                self._append(entry, 0, measure(entry))
            else:
                try:
                    self._date_and_append(entry)
                except Exception as error:
                    self._date_and_append(self._make_failure(entry, error))

    def pump(self) -> None:
        """Write what `adopt` has added."""
        self._pump()

    @property
    def reads_binary(self) -> bool:
        """Whether binary frames of the peer are pieces, which must not be cut."""
        return self._protocol is not None and self._protocol.reads_binary

    @property
    def user_key(self) -> str | None:
        """The primary key of the peer's user as text, None for anonymous ones."""
        return self.identity.value if self.identity.kind == "user" else None

    @property
    def requests(self) -> Requests:
        """What the peer has asked and not been told yet."""
        return self._requests

    def _learn(self, dialect: Dialect) -> None:
        self.dialect = dialect
        framed = self._stream is not None and self._stream.framed
        self._form = form_index(dialect, framed)
        self._heartbeat = self._server.heartbeat_text(dialect)

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
        if self._server.is_draining:
            self._send_error(envelope.answer_filt, ShuttingDown())
        elif not self._requests.add(envelope):
            error = LimitExceeded("More requests wait than the server lets wait")
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
        task = asyncio.current_task()
        request = Request(
            envelope,
            self.peer,
            codec=self._codec,
            dialect=self.dialect or UNKNOWN_DIALECT,
            is_framed=self._is_form_framed(),
            task=task,
        )
        try:
            replies = await self._server.payload_io.process(request)
            # A handler may have gone on though it was cancelled.
            if replies and not (task and task.cancelling()):
                self._server.replies.send_soon(self, replies)
            if request.retry_after:
                self._bear(request.retry_after)
        finally:
            if request.is_waited_for:  # behind the replies, which are sent in the next turn
                asyncio.get_running_loop().call_soon(request.call_waiting)

    def _send_after(self, envelope: PayloadEnvelope) -> None:
        # Where the peer is now it may be somebody else, whom this process has not heard of.
        to = Address(uuid=self.peer.uuid, user=self.user_key)
        try:
            self._server.push(envelope, to)
        except Exception as error:
            failure = self._internal_error({}, error)
            self._server.push(PayloadEnvelope(ERROR_FILT, result=failure.result), to)

    def _overflow(self) -> None:
        logger.warning(
            "A peer named %r is closed: %d messages or %d bytes wait for it",
            self.peer.name,
            len(self._outbox),
            self._outbox.size,
        )
        self.close(SLOW_CLOSURE, "More waits for the peer than its outbox may hold")

    def _lose_stream(self, unsent: list[str]) -> None:
        if self.is_closed:
            return
        if self._is_form_framed():
            self._outbox.add_first(unsent)
            self._server.hold(self)
        else:
            self.close(NORMAL_CLOSURE, "The peer went away")

    def _is_form_framed(self) -> bool:
        return bool(self._form % 2)

    def _keep_task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._server.keep(asyncio.get_running_loop().create_task(coroutine))
