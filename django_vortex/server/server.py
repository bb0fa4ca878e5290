"""The server end of a vortex in one process: `Server`, with all its connections.

Takes streams from transports and pushes from applications, gives connections; joins the other
processes of the project through a `FanOut`.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any
from uuid import uuid4

from django_vortex.exceptions import DeliveryError, InternalError, ShuttingDown, TakenByAnother
from django_vortex.live.changes import Change
from django_vortex.live.statistics import Lag
from django_vortex.logs import get_limited_logger
from django_vortex.routing.address import EVERYONE, Address
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.readers import Readers
from django_vortex.server.admission import Admission
from django_vortex.server.clock import Clock
from django_vortex.server.connection import Connection
from django_vortex.server.delivery import Delivery, coalesce_key
from django_vortex.server.departure import Departure
from django_vortex.server.fan_out import FanOut, Record, ReportSent
from django_vortex.server.followers import Followers
from django_vortex.server.heartbeats import Heartbeats
from django_vortex.server.identity import Identity
from django_vortex.server.introductions import Introductions
from django_vortex.server.judging import Judge
from django_vortex.server.live_parts import Live
from django_vortex.server.logins import Logins
from django_vortex.server.neighbours import Neighbours
from django_vortex.server.options import ServerOptions
from django_vortex.server.pace import Pace
from django_vortex.server.peers import Peers
from django_vortex.server.processes import Processes
from django_vortex.server.pushes import push_record
from django_vortex.server.reader_pushes import ReaderPushes, ReportPushed, ignore_count
from django_vortex.server.reflecting import Reflecting
from django_vortex.server.replies import Replies
from django_vortex.server.resuming import Resuming
from django_vortex.server.stream import Burst, Stream
from django_vortex.server.tasks import Tasks
from django_vortex.server.throttle import Throttle
from django_vortex.server.ticker import Ticker
from django_vortex.server.watching import Watching
from django_vortex.server.withdrawals import Withdrawals
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.opening import Opening, SessionInfo
from django_vortex.wire.reserved import MOVE_CLOSURE, NORMAL_CLOSURE

logger = get_limited_logger("django_vortex.server")


class Server:
    """All peers of this process, to be used from the thread of its loop only.

    Args:
        payload_io: Answers the requests of peers.
        codec: Reads and writes messages.
        options: See `ServerOptions`.
        fan_out: The way to the other processes; None when there are none.
        judge: Tells who peers are now; None lets them stay who they were.
        live: Evaluates what peers watch; None lets them watch nothing.
        burst: Entered while a push is written for its peers, for streams that write it at the end.
        clock: Where the time comes from.
        uuid: How the server introduces itself to peers.
    """

    def __init__(
        self,
        payload_io: PayloadIO,
        codec: Codec,
        options: ServerOptions,
        *,
        fan_out: FanOut | None = None,
        judge: Judge | None = None,
        live: Live | None = None,
        burst: Burst | None = None,
        clock: Clock | None = None,
        uuid: str | None = None,
    ) -> None:
        self.payload_io = payload_io
        self.codec = codec
        self.options = options
        self.uuid = uuid or str(uuid4())
        self.is_draining = False
        """Whether the server is stopping and takes no new work."""
        self._burst = burst or nullcontext()
        self._clock = clock or Clock()
        self.now = self._clock.monotonic()
        """The monotonic time of the last tick, near enough for periods of seconds."""
        self.peers = Peers(options)
        """Who is here."""
        self._heartbeats: Heartbeats[Connection] = Heartbeats(options.heartbeat_seconds)
        self._throttle = Throttle(options)
        self.admission = Admission(options.opening_seconds, self._clock.monotonic)
        """Who may open a connection now; whoever calls `open` asks it before."""
        self.pace = Pace(options, self._clock.monotonic)
        """How often peers may come and ask."""
        self.logins = Logins(self, self.peers, judge)
        """Who the peers are now."""
        self.withdrawals = Withdrawals(self, self.peers)
        """Requests that peers take back after they have moved."""
        self.followers = Followers(self.publish)
        """Parts that keep something for each peer."""
        self._neighbours = Neighbours(self, self.peers, self.logins, self.withdrawals, fan_out)
        self._reader_pushes = ReaderPushes(self, self.peers, Readers(payload_io), codec)
        self.replies = Replies()
        """Answers that are sent in the loop's next turn."""
        self._tasks = Tasks()
        payload_io.background.bind(self.keep)
        self._watching = None if live is None else Watching(self, self.peers, live)
        self._ticker = Ticker(self._heartbeats, self._clock.monotonic, self.tick)
        self._starting: asyncio.Task[None] | None = None
        self._introductions = Introductions(self.uuid, options.name, codec)
        self._resuming = Resuming(self, self._neighbours.moves)
        self._departure = Departure(self, is_reachable=fan_out is not None)

    @property
    def connections(self) -> Mapping[str, Connection]:
        """The peers of this process by uuid, held ones included."""
        return self.peers.by_uuid

    @property
    def process(self) -> str:
        """The id of this process among the others."""
        return self._neighbours.process

    @property
    def last_sequence(self) -> int:
        """The number of the newest record that this process published."""
        return self._neighbours.last_sequence

    @property
    def processes(self) -> Processes:
        """What is known of the other processes."""
        return self._neighbours.processes

    @property
    def reflecting(self) -> Reflecting | None:
        """Tells peers that write when their watches contain it; None where nobody can watch."""
        return None if self._watching is None else self._watching.reflecting

    @property
    def is_parting(self) -> bool:
        """Whether peers with sessions are being sent to other processes; they may still ask."""
        return self._departure.is_under_way

    async def start(self) -> None:
        """Begin to beat and to listen to the other processes; `open` and `push` do it, too."""
        await asyncio.shield(self.start_soon())  # it goes on when the first caller goes away

    async def open(
        self,
        peer: Peer,
        identity: Identity,
        stream: Stream,
        *,
        dialect: Dialect | None = None,
        opening: Opening | None = None,
    ) -> Connection:
        """Take in a new stream of a new or a known peer; the first text is on its way then.

        A peer that is with another process comes here with what was not sent to it there. If it
        turns out to be somebody else's, the stream is closed with `REFUSED_CLOSURE` later.

        Args:
            peer: Who it says it is.
            identity: Who it is.
            stream: The way to it. Need not be accepted yet: `Stream.send` may wait for that.
            dialect: What the peer speaks, if that is known already.
            opening: What it says of its session; the other processes are asked for that first, for
                a second at most.

        Raises:
            RefusedError: The stream is not taken and was not written to.
        """
        self._demand_running(peer.uuid, opening)  # a server that has stopped does not start again
        await self.start()
        self._demand_running(peer.uuid, opening)
        self.now = self._clock.monotonic()
        uuid = peer.uuid
        connection = self.peers.get(uuid)
        if connection is None or not stream.framed:
            self.pace.admit_stream(peer)
        if connection is not None and not connection.identity.may_be_taken_over_by(identity):
            self.logins.begin(connection)
            raise TakenByAnother("The vortexUuid is in use by somebody else")
        if connection is not None and opening is not None:
            connection = await self._resuming.find_here(connection, opening)
        if connection is not None:
            self.peers.release(connection)
            if opening is None:
                connection.note_attempt(None)
            self._neighbours.moves.keep(connection)
            is_same = connection.identity.is_same_as(identity)
            connection.attach(stream, peer, identity, dialect, opening)
            if not is_same:
                self.logins.begin(connection)
                if self._watching is not None:
                    self._watching.rescope(connection)
            return connection
        if not self.processes.is_known(uuid):
            is_anonymous = identity.kind != "user"
            self._throttle.admit(identity.address, self.now, is_anonymous=is_anonymous)
        self.processes.know(uuid, self.now)
        connection = Connection(self, peer, identity, opening)
        self.peers.add(connection)
        connection.slot = self._heartbeats.add(connection)
        self._neighbours.moves.begin(connection)
        self.logins.begin(connection)
        if opening is not None:
            await self._resuming.wait(connection, opening)
            self.peers.release(connection)
        try:
            connection.attach(stream, peer, identity, dialect, opening)
        except BaseException:
            connection.close(NORMAL_CLOSURE, "The server failed")
            raise
        return connection

    def is_known(self, uuid: str) -> bool:
        """Return whether a peer is here, or was lately in any process."""
        return uuid in self.peers.by_uuid or self.processes.is_known(uuid)

    def count_refused(self, peer: Peer, identity: Identity) -> None:
        """Count a peer that is refused for what it shows like a new one.

        Args:
            peer: Who it says it is.
            identity: Its address.

        Raises:
            TooManyPeers: There were as many as may be.
        """
        self.pace.admit_stream(peer)
        self._throttle.admit(identity.address, self._clock.monotonic(), is_guess=True)

    def push(
        self,
        envelope: PayloadEnvelope,
        to: Address = EVERYONE,
        *,
        coalesce: bool = False,
        report_sent: ReportSent | None = None,
        report_pushed: ReportPushed = ignore_count,
    ) -> int:
        """Send an envelope to peers of all processes.

        Args:
            envelope: What to send; nobody may change it any more.
            to: Whom to.
            coalesce: Whether it makes earlier ones with the same filt superfluous.
            report_sent: Told when other processes have it, or why not.
            report_pushed: Told how many peers of this process it was queued for, once that is
                decided.

        Returns:
            How many peers of this process it was, or may be, queued for.

        Raises:
            DefinitionError: Something in it can not be encoded.
        """
        date = self.date()
        key = coalesce_key(envelope, self.codec) if coalesce else None
        if not self._neighbours.is_reachable or self._is_here(to):
            if report_sent is not None:
                report_sent(None)
            return self.push_local(Delivery(envelope, date, coalesce=key), to, report_pushed)
        if not self.is_draining:
            self.start_soon()
        record = push_record(envelope, to, date, key, self.codec)
        try:
            sequence = self.publish(record, report_sent)
        except DeliveryError as error:
            logger.error("Other processes miss a push: %s", error)
            if report_sent is not None:
                report_sent(error)
            return self.push_local(Delivery(envelope, date, coalesce=key), to, report_pushed)
        return self.push_local(
            Delivery(envelope, date, self.process, sequence, key), to, report_pushed
        )

    def push_local(
        self, delivery: Delivery, to: Address, report_pushed: ReportPushed = ignore_count
    ) -> int:
        """Send a delivery to the peers of this process only, and tell how many those are."""
        if to.handler is not None:
            return self._reader_pushes.push(delivery, to, report_pushed)
        targets = self.peers.find(to)
        with self._burst:
            for connection in targets:
                try:
                    connection.deliver(delivery)
                except Exception:
                    logger.exception("A push could not be written for a peer")
        delivery.forget_texts()
        report_pushed(len(targets))
        return len(targets)

    def publish(self, record: Record, report_sent: ReportSent | None = None) -> int:
        """Pass a record on to the other processes; see `FanOut.publish`."""
        return self._neighbours.publish(record, report_sent)

    @property
    def is_watched(self) -> bool:
        """Whether any peer watches anything."""
        return self._watching is not None and bool(self._watching.watches.watches)

    def tell(self, changes: Sequence[Change]) -> None:
        """Take changes that were committed in this process, and tell the other processes."""
        if self._watching is not None:
            self._watching.tell(changes)

    async def stop(self, seconds: float) -> None:
        """End everything: requests that run may end, then the streams do. May be called twice.

        Peers with sessions are sent to other processes first, where there are some.

        Args:
            seconds: How long all of that may take; what has not ended then is cancelled.
        """
        self.is_draining = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        await self._departure.run(deadline)
        self.logins.stop()
        if self._watching is not None:
            self._watching.close()
        if self._starting is None:
            return
        await asyncio.wait((self._starting,), timeout=max(0.0, deadline - loop.time()))
        self._starting.cancel()
        requests = {task for one in self.peers.with_requests() for task in one.requests.tasks}
        while requests and loop.time() < deadline:
            await asyncio.wait(requests, timeout=deadline - loop.time())
            requests = {task for one in self.peers.with_requests() for task in one.requests.tasks}
        told = self._departure.describe_end()
        for connection in tuple(self.peers.by_uuid.values()):
            if connection.session is None:
                connection.close(NORMAL_CLOSURE, "The server is shutting down")
            else:
                connection.close(MOVE_CLOSURE, told)
        for connection in self.peers.moved:
            connection.requests.cancel()
        await self._tasks.end(max(0.0, deadline - loop.time()), requests)
        self._ticker.stop()
        self._neighbours.leave()
        await self._neighbours.stop(max(0.1, deadline - loop.time()))
        self._starting = None

    def tick(self, due: int = 1) -> None:
        """Do what is due: heart-beats, held peers, other processes. The server's timer calls it.

        Args:
            due: How many ticks it stands for, where the loop is late.
        """
        self.now = now = self._clock.monotonic()
        for _ in range(due):
            self._heartbeats.tick(Connection.beat)
        self.peers.tick(now)
        self.logins.tick(now)
        self._neighbours.tick(now)

    def monotonic(self) -> float:
        """Return the time now, for periods; `now` is near enough for long ones."""
        return self._clock.monotonic()

    def date(self) -> int:
        """Return the time now as peers see it, in milliseconds."""
        return int(self._clock.wall() * 1000)

    def info_text(
        self, dialect: Dialect | None, framed: bool, session: SessionInfo | None = None
    ) -> str:
        """Return what a peer must get first on a stream."""
        return self._introductions.info_text(dialect, framed, self.date(), session)

    def heartbeat_text(self, dialect: Dialect | None) -> str:
        """Return what a heart-beat is for peers of a dialect."""
        return self._introductions.heartbeat_text(dialect, self.date())

    def closing_text(self, dialect: Dialect | None, code: int, reason: str) -> str:
        """Return what an HTTP response ends with, for dialects that have it."""
        return self._introductions.closing_text(dialect, code, reason, self.date())

    def report(self, error: Exception) -> InternalError:
        """Log a failure of ours and return what the peer is told of it."""
        reference = secrets.token_hex(3)
        logger.error("A reply could not be written (ref %s)", reference, exc_info=error)
        return InternalError(reference)

    def lag(self) -> Lag:
        """Return how far the watches of this process are behind."""
        return Lag() if self._watching is None else self._watching.watches.lag()

    def lose_shown(self, uuid: str) -> None:
        """Note that a peer that moves may not have got the last answers that it was shown."""
        if self._watching is not None:
            self._watching.lose_texts(uuid)

    def hold(self, connection: Connection) -> None:
        """Keep an HTTP peer without a response for a while."""
        self.peers.hold(connection, self._clock.monotonic())

    def forget(self, connection: Connection) -> None:
        """Let go of a connection that has ended or moved."""
        if self.peers.remove(connection) and not connection.is_moved:
            self.followers.forget_peer(connection.peer.uuid)
        self._heartbeats.remove(connection, connection.slot)
        self._neighbours.moves.forget(connection)
        for task in connection.requests.tasks:
            self.keep(task)

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Keep a task until it ends; `stop` sees that it does."""
        self._tasks.keep(task)

    def _demand_running(self, uuid: str, opening: Opening | None) -> None:
        if self.is_draining and not self._departure.admits(uuid, opening):
            raise ShuttingDown(self._departure.retry_seconds)

    def _is_here(self, to: Address) -> bool:
        """Return whether an address is that of a peer which no other process has."""
        connection = None if to.uuid is None else self.peers.get(to.uuid)
        if connection is None:
            return False
        return connection.session is None or connection.session.has_begun

    def start_soon(self) -> asyncio.Task[None]:
        """Begin to start: whoever knows the others before peers come finds their sessions."""
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start())
        return self._starting

    async def _start(self) -> None:
        self._ticker.start()
        await self._neighbours.start()
