"""A payload that was encoded once, in all the forms in which messages carry it.

Takes JSON, gives the whole object, the short one that stands in an envelope of our own ends, and
the compressed text of all others. Each is made when it is first asked for, and kept; of what is
too long for anything else the compressed text alone is kept once that is made.
"""

from __future__ import annotations

from typing import Final

from django_vortex.wire.inflate import deflate
from django_vortex.wire.payload import PAYLOAD_CLASS
from django_vortex.wire.pieces import MAX_PIECED_BYTES

SHORT_BYTES: Final = 4096
"""How long the JSON of a payload may be that stands in an envelope as it is."""

_HEAD: Final = b'{"_ct":"rp","_c":"%b","filt":' % PAYLOAD_CLASS.encode()


class EncodedPayload:
    """The JSON of a payload in its parts.

    Args:
        filt: JSON.
        tuples: JSON of the list.
        date: JSON.
        more: Members that stand behind these, with a comma before each.
        portable: Whether the same is right in all dialects but D0.
        is_lasting: Whether nothing in it was lazy: encoded later it would be the same.
        is_tabular: Whether it has several tuples of a type, which some dialects write as columns.

    Attributes:
        says_filt: Whether it has to say its filt beside that of the envelope.
        says_date: Whether it has to say its date beside that of the envelope.
    """

    __slots__ = (
        *("_date", "_json", "_more", "_short", "_text"),
        *("filt", "is_tabular", "is_lasting", "portable", "says_date", "says_filt", "tuples"),
    )

    def __init__(
        self,
        filt: bytes,
        tuples: bytes,
        date: bytes,
        *,
        more: bytes = b"",
        portable: bool = False,
        is_lasting: bool = True,
        is_tabular: bool = False,
    ) -> None:
        self.filt = filt
        self._date = date
        self._more = more
        self._json: bytes | None = None
        self._short: bytes | None = None
        self._text: bytes | None = None
        self.tuples = tuples
        self.portable = portable
        self.is_lasting = is_lasting
        self.is_tabular = is_tabular
        self.says_filt = True
        self.says_date = True

    @classmethod
    def of_text(cls, text: bytes) -> EncodedPayload:
        """Return one that came compressed and goes on so."""
        encoded = cls(b"", b"", b"")
        encoded._text = text
        return encoded

    @classmethod
    def of_json(cls, json: bytes) -> EncodedPayload:
        """Return one that came as JSON, with what it has to say for itself."""
        encoded = cls(b"", b"", b"")
        encoded._json = encoded._short = json
        return encoded

    @property
    def json(self) -> bytes | None:
        """The whole object; None of one that came compressed."""
        if self._json is None and self.tuples:
            parts = (_HEAD, self.filt, self.tuples, self._date, self._more)
            self._json = b'%b%b,"tuples":%b,"date":%b%b}' % parts
            if len(self.tuples) > SHORT_BYTES:  # then its parts are of no other use
                self.filt = self.tuples = self._date = b""
        return self._json

    @property
    def text(self) -> bytes:
        """``base64(zlib(JSON))``, ASCII."""
        if self._text is None:
            if len(self.tuples) <= SHORT_BYTES:
                self._text = deflate(self.json or b"")
                return self._text
            self._text = deflate(*self._parts)
            if self.short is None and not self.fits_pieces:
                self.keep_text_alone()
        return self._text

    def keep_text_alone(self) -> None:
        """Forget all that the text was made of, where nobody reads anything else."""
        self._json = None
        self.filt = self.tuples = self._date = b""

    @property
    def _parts(self) -> tuple[bytes, ...]:
        """The whole object in parts, none of one that came compressed."""
        if self._json is not None or not self.tuples:
            return () if self._json is None else (self._json,)
        head = b'%b%b,"tuples":' % (_HEAD, self.filt)
        return head, self.tuples, b',"date":%b%b}' % (self._date, self._more)

    @property
    def short(self) -> bytes | None:
        """The object as it stands in an envelope; None if it is too long, or came compressed."""
        if self._short is None and self.tuples and len(self.tuples) <= SHORT_BYTES:
            filt = b',"filt":' + self.filt if self.says_filt else b""
            date = b',"date":' + self._date if self.says_date else b""
            self._short = b'{"tuples":%b%b%b}' % (self.tuples, filt, date)
        short = self._short
        return None if short is None or len(short) > SHORT_BYTES else short

    @property
    def fits_pieces(self) -> bool:
        """Whether the object is there, and may travel in binary frames."""
        return 0 < sum(map(len, self._parts)) <= MAX_PIECED_BYTES

    def prepare(self, *, framed: bool, has_pieces: bool) -> None:
        """Make the form that a peer reads, here and now, where that may take long.

        Args:
            framed: Whether it reads over HTTP.
            has_pieces: Whether it reads what is short as JSON, and otherwise in pieces.
        """
        if not has_pieces or (self.short is None and (framed or not self.fits_pieces)):
            _ = self.text

    @property
    def held_bytes(self) -> int:
        """How much is kept."""
        held = {id(part): part for part in (self.tuples, self._json, self._short, self._text)}
        return sum(len(part) for part in held.values() if part)
