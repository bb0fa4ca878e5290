"""Date and write the messages for one peer, each later than the last of its key: `Sender`.

Takes envelopes and errors, gives dated texts to the outbox and the stream. What cannot be written
for the peer becomes an answer that says so.
"""

from typing import Final

from django_vortex.exceptions import LimitExceeded, PeerError, quoted
from django_vortex.logs import get_limited_logger
from django_vortex.routing.failures import make_result
from django_vortex.server.dates import PeerDates, date_key, to_datetime
from django_vortex.server.delivery import FORMS, UNKNOWN_DIALECT, Delivery, form_index
from django_vortex.server.host import Host
from django_vortex.server.shown import ShownAnswer
from django_vortex.server.texts import flatten, get_pieced, measure
from django_vortex.server.writer import Writer
from django_vortex.typedefs import Filt
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.events import EnvelopeReceived
from django_vortex.wire.messages import encode_message
from django_vortex.wire.protocol import Protocol
from django_vortex.wire.reserved import ERROR_KEY

logger = get_limited_logger("django_vortex.server")

ERROR_FILT: Final = {"key": ERROR_KEY}
"""The filt of what a peer is told about a message whose own filt could not be read."""


class Sender(Writer):
    """A writer that dates what it writes, and tells the peer of what it cannot write.

    Args:
        server: Knows the time, and reports failures of ours.
    """

    __slots__ = ("_dates", "_server", "dialect")

    def __init__(self, server: Host) -> None:
        super().__init__(server.codec, server.options, form_index(None, False))
        self.dialect: Dialect | None = None
        """What the peer speaks, None until it has spoken."""
        self._server = server
        self._dates = PeerDates()

    def _send_reply(self, envelope: PayloadEnvelope) -> None:
        date = self._dates.stamp(date_key(envelope.filt), self._server.date())
        try:
            self._offer_reply(envelope, date)
        except Exception as error:
            self._offer_failure(self._internal_error(envelope.filt, error), date)

    def _offer_reply(self, envelope: PayloadEnvelope, date: int) -> None:
        if self._stream is None or self._is_writing:
            delivery = Delivery(envelope, date)
            self._offer(delivery, date)
            delivery.forget_texts()
            return
        # The usual case at the price of the encoding: nothing of a reply is shared or kept.
        text = encode_message(envelope, FORMS[self._form], to_datetime(date), self._codec)
        pieced = None if text.__class__ is str else get_pieced(text)
        size = len(text) if pieced is None else pieced.size
        if size > self._options.outbox_max_bytes:
            self._refuse(envelope.filt, size)
        elif self._must_wait(size):
            self._append(text, date, size)
        elif pieced is None:
            if self._session is not None:
                self._session.window.add(text)
            self._begin_to_write(text)
        else:
            self._write_pieced(text)

    def _show(self, shown: ShownAnswer) -> None:
        """Write an answer of a watch, or let it wait for its turn."""
        date = self._dates.stamp(shown.key, shown.date)
        if self._stream is None or self._is_writing or self._must_wait(0):
            self._append(shown, date, shown.size(self._form, date, self._codec))
        elif (delivery := shown.take()) is not None:
            self._offer(delivery, date)

    def _date_and_append(self, delivery: Delivery) -> None:
        date = self._dates.stamp(delivery.key, delivery.date)
        self._append(delivery, date, delivery.size(self._form, date, self._codec))
        delivery.forget_texts()

    def _error_envelope(self, filt: Filt, error: PeerError) -> PayloadEnvelope:
        result = make_result(error, self.dialect or UNKNOWN_DIALECT)
        return PayloadEnvelope(dict(filt), result=result)

    def _internal_error(self, filt: Filt, error: Exception) -> PayloadEnvelope:
        return self._error_envelope(filt, self._server.report(error))

    def _make_failure(self, delivery: Delivery, error: Exception) -> Delivery:
        envelope = self._internal_error(delivery.envelope.filt, error)
        failure = Delivery(envelope, delivery.date)
        try:
            failure.text(self._form, failure.date, self._codec)
        except Exception:  # the filt, which is a peer's, can be read but not be written
            failure = Delivery(PayloadEnvelope(ERROR_FILT, result=envelope.result), delivery.date)
        return failure

    def _make_substitute(self, text: str) -> str:
        """Return what says under the same filt why a message, with which streams end, is not sent.

        Args:
            text: Of the message, as it was written.
        """
        size, framed = measure(text), text.endswith(".")
        protocol = Protocol(self._codec, framed=framed, dialect=self.dialect, whole_frames=True)
        events = protocol.receive(flatten(text))
        filts = [one.envelope.filt for one in events if isinstance(one, EnvelopeReceived)]
        filt = filts[0] if filts else ERROR_FILT
        error = LimitExceeded(f"Message of {size} bytes exceeds what the peer takes")
        logger.warning("Streams end with a message: %s, filt %s", error, quoted(filt))
        date = to_datetime(self._server.date())
        return encode_message(
            self._error_envelope(filt, error), FORMS[self._form], date, self._codec
        )

    def _offer_failure(self, envelope: PayloadEnvelope, date: int) -> None:
        try:
            self._offer_reply(envelope, date)
        except Exception:  # the filt, which is the peer's, can be read but not be written
            self._offer_reply(PayloadEnvelope(ERROR_FILT, result=envelope.result), date)

    def _refuse(self, filt: Filt, size: int) -> None:
        limit = self._options.outbox_max_bytes
        error = LimitExceeded(f"Message of {size} bytes exceeds outbox_max_bytes ({limit})")
        logger.error("%s, filt %s", error, quoted(filt))
        answer = Delivery(self._error_envelope(filt, error), self._server.date())
        if len(answer.text(self._form, answer.date, self._codec)) <= limit:
            self._offer(answer, self._dates.stamp(answer.key, answer.date))
        elif filt is not ERROR_FILT:  # the filt alone is too large
            self._refuse(ERROR_FILT, size)
