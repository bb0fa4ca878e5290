"""What becomes of all that was under way when a session is lost: `Losses`.

Takes what the session has had, sends on what the server certainly has not looked at or what may be
repeated, ends the requests of which nobody knows, and gives an event that tells of the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django_vortex.client.errors import FateUnknown
from django_vortex.client.news import Lost
from django_vortex.client.outgoing import Message, Outgoing
from django_vortex.client.requests import Requests
from django_vortex.client.session import Loss
from django_vortex.typedefs import Filt
from django_vortex.wire.reserved import CANCEL_KEY, UNWATCH_KEY

_OURS: Final = frozenset({CANCEL_KEY, UNWATCH_KEY})
"""Keys of messages of the client itself, which mean nothing to another session."""


class Losses:
    """The losses of one client.

    Args:
        outgoing: Of the client; what is sent on waits there.
        requests: Of the client.
    """

    def __init__(self, outgoing: Outgoing, requests: Requests) -> None:
        self._outgoing = outgoing
        self._requests = requests
        self._lost: Lost | None = None

    def settle(self, loss: Loss, reason: str) -> None:
        """Settle all that was under way in a session.

        Requests that had arrived and were not answered are not in the loss, but among the requests.
        """
        requests = self._requests
        certain = {one.request_id for one in loss.unwritten}
        unknown = [one for one in requests.find_written() if one.id not in certain]
        again = [one.message for one in unknown if one.message and one.answer is None]
        unwritten = [*again, *loss.unwritten]
        for message in unwritten:
            pending = requests.get(message.request_id)
            if pending is not None:
                pending.is_written = False
        self._outgoing.put_first(one for one in unwritten if self._is_wanted(one))
        for one in unknown:
            if one.is_written:
                self._leave_unknown(one.id, reason)
        self.note((one for one in loss.unknown if not one.request_id), reason, pushes=True)

    def note(self, messages: Iterable[Message], reason: str, *, pushes: bool) -> None:
        """Note messages of which nobody knows whether the server has got them.

        Args:
            messages: Which.
            reason: Why, for people.
            pushes: Whether pushes of the server may be missing, too.
        """
        lost: list[Filt] = []
        for message in messages:
            if message.request_id:
                self._leave_unknown(message.request_id, reason)
            elif message.envelope is not None and message.envelope.filt.get("key") not in _OURS:
                lost.append(message.envelope.filt)
        before = self._lost or Lost(reason, pushes=False)
        self._lost = Lost(reason, (*before.sent, *lost), pushes=pushes or before.pushes)

    def take(self) -> Lost | None:
        """Return what was lost since this was asked last."""
        lost, self._lost = self._lost, None
        return lost

    def _leave_unknown(self, request_id: str, reason: str) -> None:
        """End a request whose answer, if there was none yet, will not come any more."""
        text = f"{reason}; the server may have done this"
        self._requests.settle(request_id, FateUnknown(text))

    def _is_wanted(self, message: Message) -> bool:
        return not message.request_id or self._requests.get(message.request_id) is not None
