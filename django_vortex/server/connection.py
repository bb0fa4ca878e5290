"""The server's side of one peer, over all the streams it has one after another: `Connection`.

Takes pushes, replies, and streams that come, go and move to other processes; `Receiver` takes what
the peer says.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from django_vortex.exceptions import RefusedError, StaleStream, TakenByAnother
from django_vortex.logs import get_limited_logger
from django_vortex.routing.address import Address
from django_vortex.routing.peer import Peer
from django_vortex.server.dates import PeerDates
from django_vortex.server.delivery import Delivery, form_index
from django_vortex.server.host import PeerHost
from django_vortex.server.identity import Identity
from django_vortex.server.receiver import Receiver
from django_vortex.server.sender import ERROR_FILT
from django_vortex.server.session import Session
from django_vortex.server.shown import ShownAnswer, is_shown
from django_vortex.server.stream import Stream
from django_vortex.server.take_over import Stamp, TakeOver
from django_vortex.server.texts import measure
from django_vortex.wire.counts import is_counts
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.opening import Opening
from django_vortex.wire.reserved import (
    MALFORMED_CLOSURE,
    MOVE_CLOSURE,
    NORMAL_CLOSURE,
    REFUSED_CLOSURE,
    SILENT_CLOSURE,
    SLOW_CLOSURE,
    TOO_LONG_CLOSURE,
)

logger = get_limited_logger("django_vortex.server")

STALE: Final = "The peer has a newer stream"
"""What is said to streams that come too late."""


class Connection(Receiver):
    """One peer, as the server knows it; made by `Server.open`.

    It outlives its stream when that is an HTTP response, or when the peer has a session: what is
    due waits in the outbox and requests go on. When another WebSocket ends, the connection ends and
    its requests are cancelled.

    Args:
        server: Its server.
        peer: The other end.
        identity: Who is behind it.
        opening: What the peer says of its session; None if it has none.
    """

    __slots__ = (
        "_waiters",
        "attached_at",
        "identity",
        "is_moved",
        "is_revoked",
        "opening",
        "slot",
        "stamp",
        "take_over",
    )

    _server: "PeerHost[Connection]"

    def __init__(
        self,
        server: "PeerHost[Connection]",
        peer: Peer,
        identity: Identity,
        opening: Opening | None = None,
    ) -> None:
        super().__init__(server, peer)
        self._waiters: list[asyncio.Future[None]] | None = None
        self._session = None if opening is None else Session(opening.attempt)
        self.identity = identity
        """Who is behind it."""
        self.attached_at = server.now
        """When the newest stream came, on the monotonic clock."""
        self.stamp: Stamp
        """When the newest stream came to which process; with a session, which attempt it is."""
        self.opening: Opening | None
        """What the newest stream said of the session."""
        self.note_attempt(opening)
        self.is_moved = False
        """Whether another process has the peer now; replies travel there."""
        self.is_revoked = False
        """Whether the peer is somebody else now, so that replies are for nobody."""
        self.take_over: TakeOver | None = None
        """Where this peer comes from, while that matters."""
        self.slot = 0
        """The connection's place among the heart-beats."""

    def note_attempt(self, opening: Opening | None) -> None:
        """Note that a new stream has come."""
        server = self._server
        self.opening = opening
        self.stamp = (server.date(), server.process)
        if opening is not None and self._session is not None:
            self._session.attempt = opening.attempt
            self.stamp = (opening.attempt, server.process)

    def attach(
        self,
        stream: Stream,
        peer: Peer,
        identity: Identity,
        dialect: Dialect | None = None,
        opening: Opening | None = None,
    ) -> None:
        """Go on over a new stream; what the old one did not send is written to it.

        Args:
            stream: Where the peer is from now on.
            peer: The peer as the new stream knows it: its user may have changed.
            identity: Who opened the new stream; the caller has checked that it may.
            dialect: What the peer speaks, if the transport knows.
            opening: What it says of its session, which begins or can be resumed.
        """
        self.peer = peer
        self.identity = identity
        self.dialect = dialect or self.dialect
        self.heard_at = self.attached_at = self._server.now
        self._protocol = None
        index = form_index(self.dialect, stream.framed)
        old, unsent = self._stream, self._take_back()
        session = self._session
        if session is None or opening is None:
            self._outbox.add_first(unsent)
            info = self._server.info_text(self.dialect, stream.framed)
        else:
            self._open_session(session, opening, stream, old, unsent)
            hold_seconds = self._options.hold_seconds
            told = session.make_info(hold_seconds)
            info = self._server.info_text(self.dialect, stream.framed, told)
        self._set_stream(stream, index, info, self._server.heartbeat_text(self.dialect), old)

    def detach(self, stream: Stream, code: int = 0, *, is_complete: bool = False) -> None:
        """Take notice that a stream has ended; nothing happens if it was replaced already.

        Args:
            stream: Which one.
            code: With which the peer has closed it.
            is_complete: Whether it is a response that has ended by itself, so that the peer has
                what it did not give back, or notices.
        """
        if stream is not self._stream:
            return
        unsent = self._take_back()
        if self._session is not None:
            if code == TOO_LONG_CLOSURE:
                self._session.note_too_long()
            self._session.unsent = _count_messages(unsent) if is_complete else None
        self._lose_stream(unsent)

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

    def show(self, shown: ShownAnswer) -> None:
        """Show the peer an answer that it watches."""
        if not self.is_closed:
            self._show(shown)

    @property
    def is_settled(self) -> bool:
        """Whether it is known what the peer has got elsewhere, and nothing is held back for it."""
        return self.take_over is None or not self.take_over.is_pending

    def call_when_settled(self, function: Callable[[], None]) -> None:
        """Call a function when it is known what the peer has got elsewhere, and that is written.

        Replies that followed the peer from another process are before whatever it shows.
        """
        if self.take_over is not None and self.take_over.is_pending:
            self.take_over.calls.append(function)
        else:
            function()

    def settle(self) -> None:
        """Write what `adopt` has added, and do what waits for that."""
        self._pump()
        if self.take_over is not None:
            calls, self.take_over.calls = self.take_over.calls, []
            for call in calls:
                call()
        self._wake_waiters()

    def let_go(self) -> None:
        """Take notice that the peer has a newer stream in another process."""
        if self._stream is not None:
            self._give_up_stream(NORMAL_CLOSURE, STALE)
        self._wake_waiters(StaleStream(STALE))

    def part(self, reason: str) -> None:
        """End the stream of a peer with a session, which is to come back to another process."""
        self._give_up_stream(MOVE_CLOSURE, reason)

    def refuse(self) -> None:
        """Take notice that in another process the peer is somebody else."""
        text = "The peer belongs to somebody else"
        self._wake_waiters(TakenByAnother(text))
        self.close(REFUSED_CLOSURE, text)

    @property
    def is_awaited(self) -> bool:
        """Whether a stream waits for what was with another process."""
        return any(not waiter.done() for waiter in self._waiters or ())

    async def wait_settled(self) -> None:
        """Wait until nothing is held back, or the peer is not here any more.

        Raises:
            StaleStream: The peer has a newer stream in another process.
            TakenByAnother: The peer is somebody else there.
        """
        if self.is_settled or self.is_closed:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters = [*(self._waiters or ()), waiter]
        await waiter

    def beat(self) -> None:
        """Send a heart-beat and see that the peer lives; called once in a period."""
        server = self._server
        timeout = server.options.peer_timeout_seconds
        if self._protocol is not None:
            self._take_events(self._protocol.expire(server.now, timeout))
        stream = self._stream
        if stream is not None and not stream.framed and server.now - self.heard_at > timeout:
            self._give_up_stream(SILENT_CLOSURE, "Nothing was heard of the peer for too long")
        elif not self._beat(server.now, timeout):
            self._give_up_stream(SILENT_CLOSURE, "The peer reads nothing")

    def close(self, code: int, reason: str) -> None:
        """End the connection, free what waits and cancel the requests. Returns at once."""
        if self.is_closed:
            return
        self.is_closed = True
        stream, self._stream = self._stream, None
        if stream is not None:
            self.end_stream(stream, code, reason)
        self._outbox.clear()
        if self._session is not None:
            self._session.window.clear()
        self._server.forget(self)
        self._requests.cancel()
        self._wake_waiters()

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
        stream, unsent = self._stream, self._take_back()
        if self._session is not None:
            unsent = []  # what was written is in its window
        waiting: list[Delivery | str] = [*unsent, *self._outbox]
        entries = [entry for entry in waiting if not is_shown(entry)]
        if any(is_shown(entry) and isinstance(entry, str) for entry in waiting):
            self._server.lose_shown(self.peer.uuid)
        if stream is not None:
            stream.close(NORMAL_CLOSURE, "Replaced by a newer stream of the same peer")
        self.is_closed = self.is_moved = True
        self._outbox.clear()
        self._server.forget(self)
        self._wake_waiters()
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
    def user_key(self) -> str | None:
        """The primary key of the peer's user as text, None for anonymous ones."""
        return self.identity.value if self.identity.kind == "user" else None

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
        if self._session is not None:
            self._server.hold(self)
        elif self._is_form_framed():
            self._outbox.add_first(unsent)
            self._server.hold(self)
        else:
            self.close(NORMAL_CLOSURE, "The peer went away")

    def _open_session(
        self,
        session: Session,
        opening: Opening,
        stream: Stream,
        old: Stream | None,
        unsent: list[str],
    ) -> None:
        """Let a session begin, or go on, over a new stream."""
        if not session.has_begun:
            session.begin()
            return
        count, session.unsent = session.unsent, None
        if old is not None:
            count = _count_messages(unsent) if old.framed else None
        if not (opening.continues and stream.framed):
            count = None
        if count is None:
            session.window.acknowledge(opening.received)
            poison = session.find_poison(self._server.monotonic())
            if poison is not None:
                text = session.window.get(poison)
                session.window.replace(poison, self._make_substitute(text))
        session.resume(opening, count, has_body=stream.framed)

    def _give_up_stream(self, code: int, reason: str) -> None:
        """End the stream; a peer with a session may come back to the connection."""
        stream = self._stream
        if self._session is None or stream is None:
            self.close(code, reason)
            return
        self._take_back()
        self.end_stream(stream, code, reason)
        self._server.hold(self)

    def _lose_count(self) -> None:
        self._give_up_stream(MALFORMED_CLOSURE, "The counts are not those of this end")

    def _wake_waiters(self, error: RefusedError | None = None) -> None:
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    def _keep_task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._server.keep(asyncio.get_running_loop().create_task(coroutine))


def _count_messages(unsent: Iterable[str]) -> int:
    """Return how many texts of a response are messages."""
    return sum(not is_counts(text) for text in unsent)
