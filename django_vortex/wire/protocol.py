"""One end of a conversation, without socket, loop or clock.

Takes whatever a transport received, cut anywhere, gives events; learns on the way which dialect
the peer speaks. What to send is `messages`'s business, in the `form` given here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django_vortex.exceptions import LimitExceeded, MalformedMessage, WireError, quoted
from django_vortex.typedefs import Filt, Json
from django_vortex.wire.bodies import EncodedBody, InflatedBody, JsonBody
from django_vortex.wire.codec import Codec
from django_vortex.wire.counts import read_counts
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import (
    HEARTBEAT_RECEIVED,
    CountsReceived,
    EnvelopeReceived,
    Event,
    FailureReceived,
)
from django_vortex.wire.framing import Piece, Splitter, TooLong
from django_vortex.wire.heads import read_head
from django_vortex.wire.inflate import inflate_bytes
from django_vortex.wire.json_text import check_containers, check_values, count_containers
from django_vortex.wire.limits import (
    D0_CONTAINERS,
    D0_CONTAINERS_PER_BYTE,
    D0_FREE_VALUES,
    D0_VALUES_PER_BYTE,
    ENVELOPE_VALUES,
    FREE_CONTAINERS,
)
from django_vortex.wire.pieces import FIELD as PIECES
from django_vortex.wire.pieces import Assembly
from django_vortex.wire.plain import read_plain, read_plain_date, read_plain_part
from django_vortex.wire.reading import check_payload, get_payload_text, read_message

OUTER_LEVELS = 2
"""How deep filt and result are taken to be: in an answer they stand in a payload, or in a list."""

MAX_FAILURES = 16
"""How many pieces in succession may be no message before the rest is not even read."""

MAX_FAILURES_AT_ONCE = 100
"""How many pieces that arrive together may be none, though messages are between them.

Each is answered: two bytes would be worth two hundred.
"""


@dataclass(frozen=True, slots=True)
class _Announced:
    """A message whose payload has not come yet."""

    envelope: PayloadEnvelope
    assembly: Assembly


class Protocol:
    """What one peer has said on one connection.

    Any cut of a stream gives the same events, except that beats which arrive together are one.

    Args:
        codec: Decodes filts and results; payloads are left to their readers.
        framed: HTTP, where messages end with dots and the body with `finish`.
        dialect: The peer's dialect where it is known already.
        whole_frames: Whether every `receive` brings whole messages, dot or no dot: the client
            end of a WebSocket.

    Attributes:
        dialect: The peer's dialect, None until its first message has told.
    """

    def __init__(
        self,
        codec: Codec,
        *,
        framed: bool,
        dialect: Dialect | None = None,
        whole_frames: bool = False,
    ) -> None:
        self._codec = codec
        self._framed = framed
        self._splitter = Splitter(
            codec.limits.message_bytes, framed=framed, whole_frames=whole_frames
        )
        self._failures = 0
        self._failures_at_once = 0
        self._inflatable = codec.limits.inflated_bytes
        self._containers = D0_CONTAINERS
        self._announced: _Announced | None = None
        self._drops_binary = False
        self.dialect = dialect

    @property
    def form(self) -> WireForm:
        """How to write to the peer; to one that has said nothing yet as to a browser."""
        return WireForm(self.dialect or Dialect.D1, self._framed)

    @property
    def is_dead(self) -> bool:
        """Whether a fatal failure was given; nothing is read any more."""
        return self._failures >= MAX_FAILURES

    def receive(self, data: str | bytes) -> list[Event]:
        """Return what ``data`` completes; never raises because of what the peer sent."""
        self._failures_at_once = 0
        if not isinstance(data, str) and self.reads_binary:
            return self._take_binary(data)
        if self._splitter.is_whole(data) and not self.is_dead and self._announced is None:
            event = self._read_piece(data)
            return [] if event is None else [event]
        return self._read(self._splitter.feed(data))

    @property
    def reads_binary(self) -> bool:
        """Whether binary frames are the pieces of payloads, and not the same as text."""
        return self.dialect is Dialect.NATIVE and not self._framed

    def expire(self, now: float, seconds: float) -> list[Event]:
        """Give up a message whose next piece is too late; to be called now and then.

        Args:
            now: The monotonic time.
            seconds: How long a peer may send nothing of it.
        """
        if self._announced is None or not self._announced.assembly.is_stuck(now, seconds):
            return []
        return [self._give_up(f"The next piece of the message did not come within {seconds:g} s")]

    def restart(self) -> None:
        """Forget a message that has come in part: another response begins."""
        for _ in self._splitter.finish():
            pass

    def finish(self) -> list[Event]:
        """Return what the end of a body completes: its last message may lack the dot."""
        events = self._read(self._splitter.finish())
        self._inflatable = self._codec.limits.inflated_bytes
        self._containers = D0_CONTAINERS
        return events

    def _read(self, pieces: Iterator[Piece]) -> list[Event]:
        events: list[Event] = []
        if self.is_dead:
            return events
        for piece in pieces:
            if piece == b"":
                events.append(HEARTBEAT_RECEIVED)
                continue
            if self.dialect is Dialect.NATIVE and (counts := read_counts(piece)) is not None:
                events.append(CountsReceived(*counts))
                continue
            if self._announced is not None:
                events.append(self._give_up("Another message came before all pieces of this one"))
            event = self._read_piece(piece)
            if event is not None:
                events.append(event)
            if isinstance(event, FailureReceived) and event.fatal:
                break
        return events

    def _take_binary(self, data: bytes) -> list[Event]:
        """Take a piece of what was announced."""
        if self.is_dead:
            return []
        announced = self._announced
        if announced is None:
            if self._drops_binary:
                return []  # of a message that has failed, as its sender was told
            self._drops_binary = True
            error = MalformedMessage("Binary frame that no envelope has announced")
            return [self._fail(error, None)]
        envelope, assembly = announced.envelope, announced.assembly
        try:
            assembly.add(data)
            if not assembly.is_complete:
                return []
            body = JsonBody(check_payload(assembly.join()))
        except WireError as error:
            return [self._give_up_for(error)]
        self._announced = None
        whole = PayloadEnvelope.received(
            envelope.filt, body, result=envelope.result, date=envelope.date
        )
        self._failures = 0
        whole.size = envelope.size + len(body.json)
        whole.beside_size = envelope.size
        return [EnvelopeReceived(whole)]

    def _give_up(self, text: str) -> FailureReceived:
        return self._give_up_for(MalformedMessage(text))

    def _give_up_for(self, error: WireError) -> FailureReceived:
        """Fail the message whose pieces are awaited, and drop what still comes of it."""
        assert self._announced is not None
        filt = self._announced.envelope.answer_filt
        self._announced = None
        self._drops_binary = True
        return self._fail(error, filt)

    def _read_piece(self, piece: Piece) -> Event | None:
        """Read a message; None if its payload is still to come."""
        self._drops_binary = False
        if isinstance(piece, TooLong):
            self._drops_binary = True  # it may have announced some
            return self._fail(piece.error, self._get_answer_filt(piece.head))
        inflatable = self._inflatable
        try:
            fields, written_in = read_message(
                piece,
                self._codec.limits,
                framed=self._framed,
                inflate=self._inflate,
                dialect=self.dialect,
            )
            if self.dialect is None:
                self.dialect = written_in
            dialect = self._get_spoken(written_in)
            envelope = self._build(fields, dialect)
            if fields.get(PIECES) is not None and self.reads_binary:
                limit = self._codec.limits.message_bytes
                assembly = Assembly(fields[PIECES], limit - len(piece), limit)
                self._announced = _Announced(envelope, assembly)
                envelope.size = len(piece)
                return None
        except WireError as error:
            self._drops_binary = True
            return self._fail(error, self._get_answer_filt(piece))
        self._failures = 0
        envelope.size = size = len(piece) + inflatable - self._inflatable
        envelope.beside_size = size - envelope.received_size
        return EnvelopeReceived(envelope)

    def _inflate(self, compressed: bytes) -> bytes:
        """Decompress a D0 message: all of a body together may be as long as a payload.

        They are inflated before anybody has asked for them, and a thousandth of it on the wire.

        Raises:
            WireError: It is no zlib stream, or too much of it comes out.
        """
        arrived = len(compressed)
        limit, name = self._codec.limits.get_inflated_bytes(arrived)
        if self._inflatable < limit:
            limit, name = self._inflatable, "max_inflated_bytes"
        data = inflate_bytes(compressed, limit, name)
        self._inflatable -= len(data)
        containers = FREE_CONTAINERS + D0_CONTAINERS_PER_BYTE * arrived
        check_containers(data, min(self._containers, containers), arrived)
        if data.count(b",") > (values := D0_FREE_VALUES + D0_VALUES_PER_BYTE * arrived):
            raise LimitExceeded(f"Message holds more than {values} values in {arrived} bytes")
        self._containers -= count_containers(data)
        return data

    def _get_spoken(self, written_in: Dialect | None) -> Dialect:
        """Return the dialect of a message's values; a peer that is native stays so."""
        if self.dialect is not None and self.dialect.is_native and written_in is not Dialect.D0:
            return self.dialect
        return written_in or Dialect.D1

    def _build(self, fields: dict[str, Json], dialect: Dialect) -> PayloadEnvelope:
        filt = self._decode_filt(fields, "filt", dialect)
        result = self._decode(fields, "result", dialect)
        date = self._decode_date(fields, dialect)
        if dialect is Dialect.D0:
            reply_filt = self._decode_filt(fields, "replyFilt", dialect)
            return PayloadEnvelope.received(
                filt, InflatedBody(fields), result=result, date=date, reply_filt=reply_filt
            )
        body: EncodedBody | JsonBody | None = None
        if dialect.has_short_payloads and (json := fields.get("payload")) is not None:
            body = JsonBody(json, dialect)
        elif (text := get_payload_text(fields)) is not None:
            body = EncodedBody(text, dialect)
        return PayloadEnvelope.received(filt, body, result=result, date=date)

    def _decode_date(self, fields: dict[str, Json], dialect: Dialect) -> datetime | None:
        plain = read_plain_date(fields.get("date"))
        if plain is not None:
            return plain
        date = self._decode(fields, "date", dialect)
        if date is not None and not isinstance(date, datetime):
            raise MalformedMessage(f"Expected a datetime, got {quoted(date)}", "$.date")
        return date

    def _decode_filt(self, fields: dict[str, Json], name: str, dialect: Dialect) -> Filt:
        plain = read_plain(fields.get(name))
        if plain is not None:
            return plain
        filt = self._decode(fields, name, dialect)
        if filt is None:
            return {}
        if not isinstance(filt, dict):
            raise MalformedMessage(f"Expected an object, got {quoted(filt)}", f"$.{name}")
        return filt

    def _decode(self, fields: dict[str, Json], name: str, dialect: Dialect) -> Any:
        value = fields.get(name)
        if value is None:
            return None
        path = f"$.{name}"
        check_values(value, ENVELOPE_VALUES, path)
        return self._codec.decode_part(value, dialect, path, OUTER_LEVELS)

    def _get_answer_filt(self, head: str | bytes) -> Filt | None:
        """Return the filt to answer a message under that cannot be read, None if it has none.

        Of a filt that cannot be read itself it is what can: mostly a message is waited for by a
        key and a number.

        Args:
            head: The message, or the first part of it.
        """
        fields, written_in = read_head(head, framed=self._framed)
        if self.dialect is None:
            self.dialect = written_in
        dialect = self._get_spoken(written_in)
        for name in ("replyFilt", "filt") if dialect is Dialect.D0 else ("filt",):
            try:
                filt = self._decode_filt(fields, name, dialect)
            except WireError:
                filt = read_plain_part(fields.get(name))
            if filt:
                return filt
        return None

    def _fail(self, error: WireError, filt: Filt | None) -> FailureReceived:
        self._failures += 1
        self._failures_at_once += 1
        if self._failures_at_once >= MAX_FAILURES_AT_ONCE:
            self._failures = MAX_FAILURES
        # Nobody looks at where it was raised, and frames hold all that was read.
        error.__traceback__ = error.__cause__ = error.__context__ = None
        return FailureReceived(error, filt, fatal=self.is_dead)
