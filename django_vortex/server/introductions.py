"""The messages of the server itself: introduction, heart-beat, and the closing message.

Takes dialects and dates, gives texts that are kept, since thousands of peers may come at once.
"""

from typing import Any, Final

from django_vortex.server.dates import to_datetime
from django_vortex.server.delivery import FORMS, form_index
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.messages import HEARTBEAT, encode_message, heartbeat, server_info
from django_vortex.wire.opening import SessionInfo
from django_vortex.wire.reserved import CLOSING_KEY

KEPT_MILLISECONDS: Final = 1000
"""How long peers get the same introduction, date included."""


class Introductions:
    """The texts that are not envelopes of anybody.

    Args:
        uuid: Of the server.
        name: Its vortex name.
        codec: Writes the texts.
    """

    def __init__(self, uuid: str, name: str, codec: Codec) -> None:
        self._uuid = uuid
        self._name = name
        self._codec = codec
        self._infos: dict[int, tuple[int, str]] = {}
        self._d0_beat = ""

    def info_text(
        self,
        dialect: Dialect | None,
        framed: bool,
        date: int,
        session: SessionInfo | None = None,
    ) -> str:
        """Return what a peer must get first: who the server is, over HTTP after a heart-beat.

        Args:
            dialect: What the peer speaks, None when it has not spoken yet.
            framed: Whether the stream is an HTTP response.
            date: In milliseconds.
            session: What is said of the peer's session, if it has one.
        """
        index = form_index(dialect, framed)
        if session is not None:
            return self._write_info(index, date, session.to_record())
        kept = self._infos.get(index)
        if kept is not None and 0 <= date - kept[0] < KEPT_MILLISECONDS:
            return kept[1]
        text = self._write_info(index, date)
        self._infos[index] = date, text
        return text

    def _write_info(self, index: int, date: int, session: Any = None) -> str:
        form, when = FORMS[index], to_datetime(date)
        text = server_info(self._uuid, self._name, form, when, self._codec, session)
        if form.framed and form.dialect is not Dialect.D0:  # which a lone dot would stall
            text = HEARTBEAT + text  # (PROTOCOL 2.4)
        return text

    def heartbeat_text(self, dialect: Dialect | None, date: int) -> str:
        """Return what a heart-beat is for peers of a dialect; D0 is spoken over HTTP only."""
        if dialect is not Dialect.D0:
            return HEARTBEAT
        if not self._d0_beat:
            form = FORMS[form_index(dialect, True)]
            self._d0_beat = heartbeat(form, to_datetime(date), self._codec)
        return self._d0_beat

    def closing_text(self, dialect: Dialect | None, code: int, reason: str, date: int) -> str:
        """Return what an HTTP response ends with in place of a close frame.

        Only our own dialect has a word for it; others get "".
        """
        if dialect is None or not dialect.is_native:
            return ""
        envelope = PayloadEnvelope({"key": CLOSING_KEY, "code": code}, result=reason)
        form = FORMS[form_index(dialect, True)]
        return encode_message(envelope, form, to_datetime(date), self._codec)
