"""Everything that goes out to one peer: `Writer`, the outbox and the stream it is written to.

Takes deliveries, gives texts to the stream in the order they came. Only heart-beats overtake, also
between the pieces of a long message. What a session counts gets its number when it is taken to be
written.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, Final

from django_vortex.logs import get_limited_logger
from django_vortex.server.delivery import FORMS, Delivery
from django_vortex.server.options import ServerOptions
from django_vortex.server.outbox import Entry, Outbox
from django_vortex.server.session import Session
from django_vortex.server.stepping import resume
from django_vortex.server.stream import Stream, StreamClosed
from django_vortex.server.texts import get_pieced, reframe
from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec
from django_vortex.wire.reserved import NORMAL_CLOSURE

logger = get_limited_logger("django_vortex.server")

WRITES_PER_TURN: Final = 64
"""Texts that are written to one peer before the loop gets its turn."""

_NO_PIECES: Final[Iterator[bytes]] = iter(())
"""Of all peers that no long message is being written to."""


class Writer:
    """The outgoing half of a connection.

    A text is written at once when nothing waits and the stream does not block. Where `write_now`
    leaves it to ``send``, that coroutine is stepped by hand, and only one that blocks costs a task.
    What cannot be written waits in the outbox. Over its limits superseded updates go first, then
    `_overflow` is called.
    """

    __slots__ = (
        "_codec",
        "_form",
        "_heartbeat",
        "_info",
        "_is_beat_due",
        "_is_writing",
        "_options",
        "_outbox",
        "_pieced",
        "_pieces",
        "_pieces_size",
        "_session",
        "_stalled_since",
        "_stream",
        "_written_size",
    )

    def __init__(self, codec: Codec, options: ServerOptions, form: int) -> None:
        self._codec = codec
        self._options = options
        self._form = form
        self._stream: Stream | None = None
        self._outbox = Outbox()
        self._is_writing = False
        self._is_beat_due = False
        self._stalled_since = 0.0
        self._written_size = 0
        self._pieced: str | None = None
        """The message whose pieces are being written."""
        self._pieces = _NO_PIECES
        self._pieces_size = 0
        self._heartbeat = ""
        self._info = ""
        self._session: Session | None = None

    @property
    def stream(self) -> Stream | None:
        """Where the peer is written to; None while an HTTP peer has no open response."""
        return self._stream

    @property
    def waiting(self) -> int:
        """How many texts wait, beside the one that is being written."""
        return len(self._outbox)

    @property
    def held_bytes(self) -> int:
        """The bytes of all that the peer has not got, as far as is known."""
        return self._outbox.size + (self._session.window.size if self._session else 0)

    @property
    def session(self) -> Session | None:
        """What is counted; None where the peer does not count."""
        return self._session

    def _overflow(self) -> None:
        """React to an outbox that is over its limits."""
        raise NotImplementedError

    def _refuse(self, filt: Filt, size: int) -> None:
        """React to a message that alone is larger than the outbox may be."""
        raise NotImplementedError

    def _make_failure(self, delivery: Delivery, error: Exception) -> Delivery:
        """Return what the peer gets in the place of a delivery that can not be written for it."""
        raise NotImplementedError

    def _lose_stream(self, unsent: list[str]) -> None:
        """React to the stream having ended, with what it had not sent."""
        raise NotImplementedError

    def _keep_task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in a task and keep a reference to it."""
        raise NotImplementedError

    def _set_stream(
        self, stream: Stream, form: int, info: str, heartbeat: str, old: Stream | None
    ) -> None:
        """Write to another stream from now on: first the info, then all that was not written.

        Args:
            stream: The new stream.
            form: The place of the form in ``FORMS``.
            info: What the peer must get first.
            heartbeat: What a heart-beat is for this peer.
            old: The stream before it, whose texts were taken back.
        """
        self._stream = stream
        self._form = form
        self._info = info
        self._heartbeat = heartbeat
        self._write_info(info)
        if old is not None:
            old.close(NORMAL_CLOSURE, "Replaced by a newer stream of the same peer")
        self._pump()

    def _take_back(self, failed: str | bytes | None = None) -> list[str]:
        """Let go of the stream and give what it did not send, without heart-beats and infos.

        Of a message in pieces it is the whole, if only one of them is missing.

        Args:
            failed: A text whose ``send`` raised; some streams give it back, some do not.
        """
        stream = self._stream
        if stream is None:
            return []
        unsent = [text for text in stream.take_unsent() if isinstance(text, str)]
        if isinstance(failed, str) and not any(text is failed for text in unsent):
            unsent.append(failed)
        if (pieced := self._pieced) is not None and not any(text is pieced for text in unsent):
            unsent.insert(0, pieced)
        self._end_pieces()
        self._stream = None
        self._is_writing = self._is_beat_due = False
        self._stalled_since = 0.0
        self._written_size = 0
        return [text for text in unsent if text not in (self._info, self._heartbeat)]

    def _offer(self, delivery: Delivery, date: int) -> None:
        """Write a delivery with a date, or let it wait for its turn."""
        text = delivery.text(self._form, date, self._codec)
        pieced = None if text.__class__ is str else get_pieced(text)
        size = len(text) if pieced is None else pieced.size
        if size > self._options.outbox_max_bytes:
            self._refuse(delivery.envelope.filt, size)
        elif self._is_writing or self._stream is None or self._must_wait(size):
            self._append(delivery, date, delivery.size(self._form, date, self._codec))
        elif pieced is None:  # nearly always, and in a broadcast each call counts
            if self._session is not None:
                self._session.window.add(text)
            self._begin_to_write(text)
        else:
            self._write_pieced(text)

    def _must_wait(self, size: int) -> bool:
        """Return whether a message waits for acknowledgements, or behind others that do."""
        session = self._session
        if session is None:
            return False
        return len(self._outbox) > 0 or not session.window.has_room(size)

    def _append(self, entry: Entry, date: int, size: int) -> None:
        outbox = self._outbox
        outbox.append(entry, date, size)
        if self._is_over_limit():
            outbox.coalesce()
            if self._is_over_limit():
                self._overflow()

    def _is_over_limit(self) -> bool:
        outbox, options = self._outbox, self._options
        return (
            len(outbox) > options.outbox_max_messages
            or outbox.size + self._written_size > options.outbox_max_bytes
        )

    def _beat(self, now: float, timeout: float) -> bool:
        """Write a heart-beat, or let it be the next; False when nothing moved for too long."""
        if self._stream is None:
            return True
        if not self._is_writing:
            self._write_beat()
            self._pump()
            return True
        self._is_beat_due = True
        if not self._stalled_since:
            self._stalled_since = now
        return now - self._stalled_since < timeout

    def _pump(self) -> None:
        """Write what waits until the stream blocks."""
        while self._stream is not None and not self._is_writing:
            text = self._next_text()
            if text is None:
                return
            self._begin_to_write(text)

    def _next_text(self) -> str | bytes | None:
        """Return what is written next: a beat that is due, the next piece, else a message."""
        if self._is_beat_due:
            self._is_beat_due = False
            return self._get_beat()
        if (piece := self._take_piece()) is not None:
            return piece
        session = self._session
        if session is not None and (text := session.window.take_unwritten()) is not None:
            return self._note_pieces(self._reframe(text))
        while self._outbox:
            if session is not None and not session.window.has_room(self._outbox.next_size):
                return None
            if (text := self._take_message()) is not None:
                return self._begin_message(text)
        return None

    def _begin_message(self, text: str) -> str:
        """Number a message that is written now, and return its text."""
        if self._session is not None:
            self._session.window.add(text)
        return self._note_pieces(text)

    def _note_pieces(self, text: str) -> str:
        """Note which pieces follow a message that is written now, and return its text."""
        pieced = get_pieced(text)
        if pieced is not None:
            self._pieced = text
            self._pieces = pieced.pieces()
            self._pieces_size = pieced.size - len(text)
        return text

    def _take_piece(self) -> bytes | None:
        """Take the next piece of the message that is being written, None behind its last."""
        if self._pieced is None:
            return None
        piece = next(self._pieces, None)
        if piece is None:
            self._end_pieces()
        else:
            self._pieces_size -= len(piece)
        return piece

    def _end_pieces(self) -> None:
        self._pieced = None
        self._pieces = _NO_PIECES
        self._pieces_size = 0

    def _take_message(self) -> str | None:
        """Take the oldest entry out of the outbox, which must have one, and return its text.

        None is of an answer that there is nothing to say about any more.
        """
        entry, date = self._outbox.pop()
        if isinstance(entry, str):
            return self._reframe(entry)
        try:
            delivery = entry.take()
            return None if delivery is None else delivery.text(self._form, date, self._codec)
        except Exception as error:  # it was written for the form of another stream when it came
            return self._make_failure(entry, error).text(self._form, date, self._codec)

    def _reframe(self, text: str) -> str:
        """Return a text that was written for another stream as the present one carries it."""
        form = FORMS[self._form]
        return reframe(text, framed=form.framed, has_pieces=form.dialect.has_pieces)

    def _get_beat(self) -> str:
        """Return what a heart-beat says now."""
        if self._session is None:
            return self._heartbeat
        return self._session.write_beat(is_amid_message=self._pieces_size > 0)

    def _write_info(self, text: str) -> None:
        """Write who the server is, which a peer must get first on a stream."""
        self._begin_to_write(text)

    def _write_beat(self) -> None:
        """Write a heart-beat."""
        self._is_beat_due = False
        self._begin_to_write(self._get_beat())

    def _write_pieced(self, text: str) -> None:
        """Write a message with all its pieces."""
        self._begin_to_write(self._begin_message(text))
        self._pump()

    def _begin_to_write(self, text: str | bytes) -> None:
        """Write a text or a piece, in a task if the stream blocks."""
        stream = self._stream
        if stream is None or stream.write_now(text):
            return
        self._is_writing = True
        coroutine = stream.send(text)
        try:
            waits_for = coroutine.send(None)
        except StopIteration:
            self._is_writing = False
        except (Exception, asyncio.CancelledError) as error:
            self._fail(stream, text, error)
        else:
            self._written_size = len(text) + self._pieces_size
            self._keep_task(self._write_rest(stream, text, coroutine, waits_for))

    async def _write_rest(
        self,
        stream: Stream,
        text: str | bytes,
        coroutine: Coroutine[Any, Any, None],
        waits_for: Any,
    ) -> None:
        """Wait until the text is written, then write what waits while it is still this stream."""
        try:
            await resume(coroutine, waits_for)
            written = 1
            while self._stream is stream:
                self._stalled_since = 0.0
                self._written_size = 0
                next_text = self._next_text()
                if next_text is None:
                    self._is_writing = False
                    return
                text = next_text
                self._written_size = len(text) + self._pieces_size
                await stream.send(text)
                written += 1
                if not written % WRITES_PER_TURN:
                    await asyncio.sleep(0)
        except Exception as error:
            if self._stream is stream:
                self._fail(stream, text, error)

    def _fail(self, stream: Stream, text: str | bytes, error: BaseException) -> None:
        if not isinstance(error, (StreamClosed, OSError)):
            logger.warning("Writing to a peer failed: %r", error)
        unsent = self._take_back(text)
        stream.close(NORMAL_CLOSURE, "Writing failed")
        self._lose_stream(unsent)
