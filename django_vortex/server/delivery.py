"""One dated envelope for one or many peers, with its encoded texts: `Delivery`.

Takes an envelope and a date, gives the text for each form of the wire, encoded once.
"""

import json
from typing import Any, Final

from django_vortex.server.dates import date_key, to_datetime
from django_vortex.server.fan_out import Record
from django_vortex.server.texts import NumberedText, measure
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect, WireForm
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.messages import encode_message
from django_vortex.wire.records import decode_record, encode_record

_DIALECTS: Final = tuple(Dialect)
FORMS: Final = tuple(WireForm(dialect, framed) for dialect in _DIALECTS for framed in (False, True))
"""All forms of the wire; `form_index` says where each is."""

_FORM_COUNT: Final = len(FORMS)

UNKNOWN_DIALECT: Final = Dialect.D1
"""What a push is written in for a peer that has not spoken yet (PROTOCOL 2.4)."""


MAX_TEXTS: Final = 32
"""How many texts of a delivery are kept: of all forms for two dates, or a little more."""


def form_index(dialect: Dialect | None, framed: bool) -> int:
    """Return the place in `FORMS` of the form for a peer of this dialect; None is not known yet."""
    return _DIALECTS.index(dialect or UNKNOWN_DIALECT) * 2 + framed


class Delivery:
    """An envelope with its date; the texts are made when first asked for and kept.

    Each peer gets it with a date of its own, but in a burst all peers need the same few.

    Args:
        envelope: What is delivered.
        date: In milliseconds; peers get it with this date, or a later one.
        source: The process that pushed it, if other processes know of it.
        sequence: Its number among the records of that process.
        coalesce: What it supersedes: earlier deliveries with the same text. None supersedes none.
    """

    __slots__ = ("_texts", "coalesce", "date", "envelope", "key", "sequence", "source")

    def __init__(
        self,
        envelope: PayloadEnvelope,
        date: int,
        source: str | None = None,
        sequence: int = 0,
        coalesce: str | None = None,
    ) -> None:
        self.envelope = envelope
        self.date = date
        self.key = date_key(envelope.filt)
        self.source = source
        self.sequence = sequence
        self.coalesce = coalesce
        self._texts: dict[int, str] = {}

    def text(self, form: int, date: int, codec: Codec) -> str:
        """Return the text in ``FORMS[form]`` with a date, ready for the transport."""
        place = date * _FORM_COUNT + form
        text = self._texts.get(place)
        if text is None:
            text = encode_message(self.envelope, FORMS[form], to_datetime(date), codec)
            if self.source is not None:
                text = NumberedText(text, self.source, self.sequence)
            if len(self._texts) >= MAX_TEXTS:
                self._texts.clear()
            self._texts[place] = text
        return text

    def take(self) -> "Delivery | None":
        """Return what is written in the end, when its turn has come; None is nothing."""
        return self

    def size(self, form: int, date: int, codec: Codec) -> int:
        """Return what it costs to let the text in ``FORMS[form]`` wait, in bytes."""
        held = self.envelope.held_bytes(FORMS[form].dialect)
        return max(measure(self.text(form, date, codec)), held)

    def forget_texts(self) -> None:
        """Keep no more than the encoded payload: everybody who could be written to at once was."""
        self._texts.clear()
        self.envelope.release_payload()

    def dated(self, date: int) -> "Delivery":
        """Return the same delivery with another date."""
        if date == self.date:
            return self
        return Delivery(self.envelope, date, self.source, self.sequence, self.coalesce)

    def to_record(self, codec: Codec) -> Record:
        """Return what `from_record` takes, in types that any channel layer carries."""
        return {
            "envelope": encode_record(self.envelope, codec, to_datetime(self.date)),
            "date": self.date,
            "source": self.source,
            "sequence": self.sequence,
            "coalesce": self.coalesce,
        }

    @classmethod
    def from_record(cls, record: Record, codec: Codec) -> "Delivery":
        """Rebuild a delivery that came from another process."""
        return cls(
            decode_record(record["envelope"], codec),
            record["date"],
            record["source"],
            record["sequence"],
            record["coalesce"],
        )


def coalesce_key(envelope: PayloadEnvelope, codec: Codec) -> str:
    """Return the text that all updates with an equal filt have in common."""
    encoded: Any = codec.encode_value(envelope.filt, Dialect.NATIVE)
    return json.dumps(encoded, sort_keys=True)
