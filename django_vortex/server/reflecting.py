"""Tell a peer that writes when its own watches contain what it has written: `Reflecting`.

Takes requests that have led to a commit, as their replies are about to be sent. Where watches of
the peer are concerned it is told so before the reply, and when all of them have been shown anew.
"""

from typing import Final

from django_vortex.live.telling import Written, note_writes
from django_vortex.live.watches import Watches
from django_vortex.server.connection import Connection
from django_vortex.server.subscription import Subscription
from django_vortex.server.subscriptions import Subscriptions
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.reserved import REFLECTED_KEY, REFLECTING_KEY, REQUEST_ID

_MAX_ID_CHARACTERS: Final = 256
"""Who has a longer id waits for no watches."""


class Reflecting:
    """Knows which requests are to be reflected by which watches.

    Args:
        watches: Knows which of them contain all that was told.
        subscriptions: Knows who watches them.
    """

    def __init__(self, watches: Watches, subscriptions: Subscriptions) -> None:
        self._watches = watches
        self._subscriptions = subscriptions

    def begin(self, uuid: str) -> Written | None:
        """Note from now on in this context what a request of a peer commits, if that matters."""
        return note_writes() if self._subscriptions.find(uuid) else None

    def reflect(self, connection: Connection, message_id: object) -> None:
        """Tell a peer whose request has committed something; before its reply is sent.

        Args:
            connection: The peer.
            message_id: What the peer knows the request by.
        """
        if not isinstance(message_id, str) or len(message_id) > _MAX_ID_CHARACTERS:
            return
        late = [one for one in self._subscriptions.find(connection.peer.uuid) if _is_late(one)]
        if not late:
            return
        left = len(late)
        connection.send(PayloadEnvelope({"key": REFLECTING_KEY, REQUEST_ID: message_id}))

        def note_current() -> None:
            nonlocal left
            left -= 1
            if not left:
                connection.send(PayloadEnvelope({"key": REFLECTED_KEY, REQUEST_ID: message_id}))

        for subscription in late:
            if subscription.watch is not None:
                self._watches.call_when_current(subscription.watch, note_current)


def _is_late(subscription: Subscription) -> bool:
    """Return whether there is something to show that the peer may have written."""
    watch = subscription.watch
    return watch is not None and subscription.presentation.filt is None and not watch.is_current
