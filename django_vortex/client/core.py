"""The client without socket and without clock: what a call becomes, what a message that came means.

Takes calls of the application, bytes of a connection and the time, gives messages to write and
outcomes. One core lives as long as its client, over all connections; what belongs to a single
connection is dropped with it in `end`.

::

    application            core                              shell
    call, send, listen ->  outgoing            ->  take      writes
    outcome, push      <-  requests, listeners <-  receive   reads
                           liveness, deadlines <-  tick      looks at the clock
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from django_vortex.client.endings import Ending, read_ending
from django_vortex.client.errors import ClientError, FateUnknown, NotConnected
from django_vortex.client.line import SaySession
from django_vortex.client.listeners import Listeners
from django_vortex.client.liveness import SILENT_SECONDS, Liveness
from django_vortex.client.losses import Losses
from django_vortex.client.outgoing import BATCH_BYTES, MAX_MESSAGES, Message, Outgoing
from django_vortex.client.requests import OnlineClock, Outcome, Pending, Requests
from django_vortex.client.session import Session
from django_vortex.exceptions import LimitExceeded, WireError, shortened
from django_vortex.logs import get_limited_logger
from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import NATIVE_NAME, Dialect, WireForm, get_native
from django_vortex.wire.envelope import (
    LIMIT_KEY,
    NAME_KEY,
    UUID_KEY,
    VERSION_KEY,
    PayloadEnvelope,
)
from django_vortex.wire.events import CountsReceived, EnvelopeReceived, FailureReceived
from django_vortex.wire.messages import encode_message
from django_vortex.wire.opening import SESSION_KEY, read_session_info
from django_vortex.wire.payload import Payload
from django_vortex.wire.protocol import Protocol
from django_vortex.wire.reserved import (
    CANCEL_KEY,
    CANCELLED_ID,
    CLOSING_KEY,
    ERROR_KEY,
    MESSAGE_ID,
    MOVE_KEY,
    MOVE_SERVER,
    MOVE_SPAN,
    REFLECTED_KEY,
    REFLECTING_KEY,
    REQUEST_ID,
)
from django_vortex.wire.versions import UNNUMBERED_VERSION, VERSION

logger = get_limited_logger("django_vortex.client")


MAX_MOVE_SPAN: Final = 60.0
"""Within how many seconds a client leaves a server that stops, whatever that says."""


class Due(Enum):
    """What the time asks of a connection."""

    NOTHING = 0
    BEAT = 1
    END = 2
    """The server has been silent for too long."""


@dataclass(frozen=True, slots=True)
class Server:
    """Who is at the other end, as its first message on every connection says."""

    uuid: str
    name: str


class Core:
    """One client, whatever it is connected by.

    Args:
        uuid: Who the client is, over all its connections.
        name: What kind of client it is.
        codec: Writes and reads values.
        dialect: What the server speaks.
        outgoing: What waits; an empty one.
        silent_seconds: How long the server may say nothing.
    """

    def __init__(
        self,
        uuid: str,
        name: str,
        codec: Codec,
        *,
        dialect: Dialect = Dialect.NATIVE,
        outgoing: Outgoing | None = None,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self.uuid = uuid
        self.name = name
        self.codec = codec
        self.dialect = dialect
        self.outgoing = Outgoing() if outgoing is None else outgoing
        self.requests = Requests(uuid[:8])
        self.listeners = Listeners()
        self.server: Server | None = None
        """Who answers now, None while nobody does."""
        self._spoken = dialect
        self._max_bytes = 0
        self._is_framed = False
        self._online_clock = OnlineClock()
        self._silent_seconds = silent_seconds
        self._protocol: Protocol | None = None
        self._liveness: Liveness | None = None
        self._ending: Ending | None = None
        self.session = Session()
        """What is counted over all connections."""
        self.is_resumed = False
        """Whether the newest connection goes on with it."""
        self.losses = Losses(self.outgoing, self.requests)
        """What nobody knows the fate of."""
        self._lost_at: float | None = None
        self.has_news = False
        """Whether the server has acknowledged, or has said who it is; whoever looks resets it."""
        self.move_span: float | None = None
        """Within how many seconds the server, which stops, wants this connection to be left."""
        self._is_asking = False
        self._asked = -1
        """The number of the last message that the server was asked about on this connection."""
        self._max_batch = MAX_MESSAGES

    @property
    def is_online(self) -> bool:
        """Whether there is a connection and the server has said who it is."""
        return self.server is not None

    @property
    def address(self) -> dict[str, str]:
        """What the query of the URL says of this client."""
        told = {"vortexUuid": self.uuid, "vortexName": self.name}
        if self.dialect.is_native:
            told |= {"vortexDialect": NATIVE_NAME, "vortexVersion": str(VERSION)}
        return told

    @property
    def say_session(self) -> SaySession | None:
        """What says of the session what is so now, in each handshake and POST."""
        return self.session.make_opening if self.dialect.is_native else None

    @property
    def is_beat_due(self) -> bool:
        """Whether so much has come that `take_beat` returns something."""
        return self.session.is_active and self.session.is_telling_due(framed=self._is_framed)

    @property
    def first_texts(self) -> list[str]:
        """What is written at once: VortexPY says nothing until it was spoken to (PROTOCOL 6.3)."""
        if self.dialect.is_native:
            return []
        return [self._write(PayloadEnvelope({UUID_KEY: self.uuid, NAME_KEY: self.name})).text]

    # The application's side

    def encode(self, filt: Filt, payload: Payload | None, request_id: str = "") -> Message:
        """Return the message that carries a payload; what cannot travel is the caller's error.

        Raises:
            UnencodableValue: Something in it cannot travel.
        """
        if request_id:
            filt = {**filt, MESSAGE_ID: request_id}
        return self._write(PayloadEnvelope(filt, payload), request_id)

    def request(
        self,
        filt: Filt,
        payload: Payload | None,
        seconds: float | None,
        now: float,
        settle: Callable[[Outcome], object],
        *,
        may_repeat: bool = False,
    ) -> tuple[Pending, Message]:
        """Make a request; it waits for its answer from when its message is put to `outgoing`.

        Args:
            filt: What is asked.
            payload: What goes along.
            seconds: How long to wait for the answer while there is a connection.
            now: The time.
            settle: Called once with the outcome, unless `withdraw` comes first.
            may_repeat: Whether it is asked again where nobody knows what has become of it.

        Raises:
            UnencodableValue: Something in it cannot travel.
        """
        message = self.encode(filt, payload, self.requests.make_id())
        deadline = float("inf")
        if seconds is not None:
            deadline = self._online_clock.read(now) + seconds
        name = str(filt.get("key"))
        pending = Pending(message.request_id, name, seconds, deadline, settle)
        pending.message = message if may_repeat else None
        self.requests.add(pending)
        return pending, message

    def withdraw(self, pending: Pending) -> None:
        """Forget a request that nobody waits for any more.

        One not yet written never is; one that has left is cancelled at the server.
        """
        if self.requests.forget(pending.id):
            self._take_back(pending)

    def get_excess(self, message: Message) -> LimitExceeded | None:
        """Return why the server that is there would not take a message, None if it may.

        It is what that server would answer, had it to read the message first.
        """
        limit = self._max_bytes
        if not limit or not message.exceeds(limit, framed=self._is_framed):
            return None
        return LimitExceeded(f"Message exceeds max_message_bytes ({limit})")

    # The connection's side

    def begin(self, now: float, *, framed: bool) -> None:
        """Begin with a connection; nothing is written before `receive` brought the server's word.

        Args:
            now: The time.
            framed: Whether it is HTTP.
        """
        self._protocol = Protocol(
            self.codec, framed=framed, dialect=self.dialect, whole_frames=not framed
        )
        self._liveness = Liveness(now, silent_seconds=self._silent_seconds)
        self._is_framed = framed
        self._ending = self.move_span = None
        self._is_asking = False
        self._asked = -1

    def receive(self, data: str | bytes, now: float) -> Ending | None:
        """Take what came; return how the connection ends if that says so.

        Outcomes and pushes are delivered before this returns.
        """
        if self._protocol is None or self._liveness is None:
            return Ending("The client has begun anew")
        self._liveness.hear(now)
        if not data:
            self._protocol.restart()
            self.session.note_response()
            self.has_news = True
            return None
        for event in self._protocol.receive(data):
            if isinstance(event, EnvelopeReceived):
                if _is_info(event.envelope):
                    self._meet(event.envelope.filt, now)
                elif _is_closing(event.envelope) or self._is_new(event.envelope.size):
                    self._route(event.envelope, now)
            elif isinstance(event, FailureReceived):
                if self._is_new(0):
                    self._fail(event)
            elif isinstance(event, CountsReceived):
                self._check_counts(event)
            if self._ending is not None:
                break
        return self._ending

    def take(self, now: float) -> list[Message]:
        """Take the next messages to write, in the version of the server that is there, if any."""
        if self.session.is_active:
            return self._take_counted(now)
        while self._protocol is not None and (taken := self.outgoing.take()):
            batch = [one for one in map(self._translate, taken) if self._is_taken(one)]
            for message in batch:
                pending = self.requests.get(message.request_id)
                if pending is not None:
                    pending.is_written = True
            if batch:
                if self._liveness is not None:
                    self._liveness.speak(now)
                return batch
        return []

    @property
    def unsettled(self) -> int:
        """How many messages are not written, or not acknowledged by a server that counts."""
        return len(self.outgoing) + len(self.session.window)

    def take_beat(self, now: float) -> str | None:
        """Return what is to be said about what has come, if it is time to; "" is by a POST."""
        session = self.session
        if self._protocol is None or not session.is_active or session.awaits_info:
            return None
        if not self._is_asking and not session.is_telling_due(framed=self._is_framed):
            return None
        self._is_asking = False
        if self._is_framed:
            session.note_written(0, in_post=True)
            return ""
        if self._liveness is not None:
            self._liveness.speak(now)
        self._asked = session.window.written
        return session.make_beat()

    def ask_counts(self, *, by_post: bool = False) -> None:
        """Have the server say what has arrived there; it does so at once.

        Args:
            by_post: Whether to do so over HTTP, too, where it takes a request; the response says
                it.
        """
        self._is_asking |= by_post or not self._is_framed

    def ask_arrival(self) -> bool:
        """Do the same, unless the server was asked since the last message was written.

        Returns:
            Whether there is something new to be said; whoever waits for the answer may call this
            as often as anything happens.
        """
        if self._is_framed:  # the response to what was written says it
            return False
        is_new = not self._is_asking and self.session.window.written != self._asked
        self._is_asking |= is_new
        return is_new

    def refuse_written(self, batch: Sequence[Message], error: LimitExceeded) -> None:
        """Take notice that a POST was too long, so that nothing of it has arrived.

        What was in it is written anew in smaller ones; a message that is too long alone is given
        up, and an empty one has its number.
        """
        self.session.note_not_written(len(batch))
        if len(batch) > 1:
            self._max_batch = len(batch) // 2
        else:
            self._give_up_numbered(self.session.window.written + 1, error)

    def refuse_posted(self, texts: Sequence[str], error: LimitExceeded) -> None:
        """Take notice that a POST was too long whose response was not waited for.

        All that is not acknowledged is written anew.
        """
        window = self.session.window
        window.rewind()
        self._max_batch = max(1, len(texts) // 2)
        if len(texts) == 1 and len(window):
            number = window.acknowledged + 1
            if self._translate(window.get(number)).text == texts[0]:
                self._give_up_numbered(number, error)

    def _give_up_numbered(self, number: int, error: LimitExceeded) -> None:
        """Give up a message that is too long; an empty one takes its number."""
        window = self.session.window
        message = window.get(number)
        window.replace(number, self._write(PayloadEnvelope({})))
        self._give_up(message, error)

    def refuse(self, message: Message, error: LimitExceeded) -> None:
        """Give up a message that was taken and that the server does not take, now or later."""
        self.outgoing.confirm(1)
        self._give_up(message, error)

    def _give_up(self, message: Message, error: Exception) -> None:
        if not self.requests.settle(message.request_id, error):
            logger.warning("A message was not sent: %s", error)

    def put_back(self, batch: Iterable[Message]) -> None:
        """Take back what was taken and certainly not written, unless nobody waits for it now."""
        wanted: list[Message] = []
        for message in batch:
            pending = self.requests.get(message.request_id)
            if pending is not None:
                pending.is_written = False
            if self._protocol is None or (message.request_id and pending is None):
                self.outgoing.confirm(1)
                continue
            wanted.append(message)
        self.outgoing.put_back(wanted)

    def tick(self, now: float) -> Due:
        """Look at the time: fail requests that are late, and tell what the connection needs."""
        for late in self.requests.expire(self._online_clock.read(now)):
            self._take_back(late)
        if self._liveness is None or self._protocol is None:
            return Due.NOTHING
        for event in self._protocol.expire(now, self._silent_seconds):
            if isinstance(event, FailureReceived) and self._is_new(0):
                self._fail(event)
        if self._liveness.is_silent(now):
            return Due.END
        if self._liveness.is_beat_due(now):
            self._liveness.speak(now)
            return Due.BEAT
        return Due.NOTHING

    def end(self, ending: Ending, now: float) -> None:
        """Be done with a connection, whoever ended it; requests that have left are settled."""
        self._online_clock.stop(now)
        self._protocol = self._liveness = self.server = None
        self._max_bytes = 0
        self.session.end(ending.code)
        if self.session.is_active:
            self._lost_at = now if self._lost_at is None else self._lost_at
        elif not ending.keeps_requests:
            text = f"The connection was lost ({ending.reason}); the server may have done this"
            self.requests.fail_written(FateUnknown(text))

    def begin_anew(self, uuid: str, now: float) -> int:
        """Be somebody else from now on; return how many messages were not written and are dropped.

        Nothing that was asked or sent before is written, or answered, under the new identity.
        """
        self.session = Session()
        self._lost_at = None
        self.end(Ending("The client has begun anew"), now)
        self.requests.fail_all(NotConnected("The client has begun anew before this was written"))
        self.uuid = uuid
        return self.outgoing.clear()

    def give_up_session(self, now: float) -> None:
        """Look whether the server has forgotten the session by now; to be called while offline."""
        session, lost_at = self.session, self._lost_at
        if lost_at is None or not session.is_active or now - lost_at <= session.hold:
            return
        self._lost_at = None
        session.is_active = False
        self.losses.settle(session.lose(), "The server has not come back in time")

    def finish(self, error: ClientError) -> None:
        """Be done for good."""
        self.requests.fail_all(error)
        self.outgoing.clear()

    def _take_back(self, pending: Pending) -> None:
        """Let the server do nothing for a request that nobody waits for any more."""
        if self.outgoing.withdraw(pending.id) or not pending.is_written:
            return
        if self.dialect is Dialect.NATIVE:  # others do not know of it
            self.outgoing.put(self.encode({"key": CANCEL_KEY, CANCELLED_ID: pending.id}, None))

    def _route(self, envelope: PayloadEnvelope, now: float) -> None:
        filt = envelope.filt
        if self.requests.answer(filt.get(MESSAGE_ID), envelope, self._online_clock.read(now)):
            return
        elif filt.get("key") == REFLECTING_KEY:
            self.requests.begin_to_reflect(filt.get(REQUEST_ID))
        elif filt.get("key") == REFLECTED_KEY:
            self.requests.reflect(filt.get(REQUEST_ID))
        elif filt.get("key") == CLOSING_KEY:
            code = filt.get("code")
            reason = envelope.result if isinstance(envelope.result, str) else ""
            self._ending = read_ending(code if isinstance(code, int) else 0, reason)
        elif filt.get("key") == MOVE_KEY:
            self._note_move(filt)
        elif not self.listeners.deliver(envelope) and filt.get("key") == ERROR_KEY:
            logger.warning(
                "The server could not read a message: %s", shortened(str(envelope.result))
            )

    def _note_move(self, filt: Filt) -> None:
        span = filt.get(MOVE_SPAN)
        is_present = self.server is not None and filt.get(MOVE_SERVER) == self.server.uuid
        if is_present and isinstance(span, int | float) and span >= 0:
            self.move_span = min(float(span), MAX_MOVE_SPAN)

    def _fail(self, event: FailureReceived) -> None:
        """Fail the request whose answer cannot be read; the stream goes on if it can."""
        error: WireError = event.error
        request_id: Any = (event.filt or {}).get(MESSAGE_ID)
        if not self.requests.settle(request_id, error):
            logger.warning("The server sent what is no message: %s", shortened(str(error)))
        if event.fatal:
            self._ending = Ending("What the server sends cannot be read")

    def _meet(self, filt: Filt, now: float) -> None:
        """Take what the server says of itself, and of the session."""
        self.has_news = True
        self.server = Server(str(filt[UUID_KEY]), str(filt.get(NAME_KEY, "")))
        if self.dialect.is_native:
            self._spoken = get_native(_read_number(filt, VERSION_KEY) or UNNUMBERED_VERSION)
        self._max_bytes = _read_number(filt, LIMIT_KEY)
        self._online_clock.start(now)
        session, info = self.session, read_session_info(filt.get(SESSION_KEY))
        self._lost_at = None
        was_active = session.is_active
        reason = "The server did not know this client any more"
        self.is_resumed = False
        if info is None:
            session.is_active = False
            if was_active:
                self.losses.settle(session.lose(), reason)
        elif not info.resumed:
            loss = session.begin(info)
            if was_active:  # else there was nothing to lose
                self.losses.settle(loss, reason)
        elif not session.resume(info, self._write(PayloadEnvelope({})), now):
            self._ending = Ending("The server counts other messages than this client")
        else:
            session.is_active = self.is_resumed = True
            if session.poisonous:
                poisonous, session.poisonous = session.poisonous, []
                reason = "Connections are cut where this message exceeds what is taken"
                self.losses.note(poisonous, reason, pushes=False)

    def _is_new(self, size: int) -> bool:
        """Count a message; return whether it has not come before."""
        if not self.session.is_active:
            return True
        is_new = self.session.arrivals.take(size)
        self.has_news |= self.is_beat_due
        return is_new

    def _check_counts(self, counts: CountsReceived) -> None:
        session = self.session
        if not session.is_active:
            return
        self.has_news = True
        is_right = counts.sent == session.arrivals.arrived
        if not is_right or not session.window.acknowledge(counts.received):
            self._ending = Ending("The server counts other messages than this client")

    def _take_counted(self, now: float) -> list[Message]:
        """Take the next messages to write, each with a number from now on."""
        session, outgoing = self.session, self.outgoing
        if self._protocol is None or self.server is None or not session.may_post:
            return []
        written = session.window.written
        batch = [self._translate(one) for one in session.take_unwritten(self._max_batch)]
        size = sum(one.size for one in batch)
        while not session.window.unwritten and not outgoing.is_empty:
            next_size = outgoing.next_size
            is_full = len(batch) >= self._max_batch or size + next_size > BATCH_BYTES
            if (batch and is_full) or not session.window.has_room(next_size):
                break
            message = self._translate(outgoing.take_one())
            if (excess := self.get_excess(message)) is not None:
                self._give_up(message, excess)
                continue
            session.window.add(message)
            batch.append(message)
            size += message.size
            pending = self.requests.get(message.request_id)
            if pending is not None:
                pending.is_written = True
        if session.window.written == written:  # all of it is under way
            return []
        if batch:
            session.note_written(len(batch), in_post=self._is_framed)
            if self._liveness is not None:
                self._liveness.speak(now)
        self._max_batch = MAX_MESSAGES
        return batch

    def _is_taken(self, message: Message) -> bool:
        """Return whether the server that is there may take a message; else refuse it."""
        excess = self.get_excess(message)
        if excess is None:
            return True
        self.refuse(message, excess)
        return False

    def _write(self, envelope: PayloadEnvelope, request_id: str = "") -> Message:
        form = WireForm(self._spoken, framed=False)
        text = encode_message(envelope, form, None, self.codec)
        envelope.release_payload()  # what the application changes from now on is not sent
        return Message(text, request_id, envelope, self._spoken)

    def _translate(self, message: Message) -> Message:
        """Return a message as the server reads it, which may be of another version by now."""
        if message.dialect is self._spoken or message.envelope is None:
            return message
        return self._write(message.envelope, message.request_id)


def _is_info(envelope: PayloadEnvelope) -> bool:
    return UUID_KEY in envelope.filt


def _is_closing(envelope: PayloadEnvelope) -> bool:
    return envelope.filt.get("key") == CLOSING_KEY


def _read_number(filt: Filt, key: str) -> int:
    """Return what a server tells under a key, 0 if it tells nothing, or nothing sensible."""
    number = filt.get(key)
    return number if type(number) is int and number > 0 else 0
