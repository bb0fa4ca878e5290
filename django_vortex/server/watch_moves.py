"""How watches follow their peers from one process to another: `WatchMoves`.

Takes what peers begin to watch here, and texts of what they watched elsewhere. A peer may be gone
before a watch has begun: then it is begun where the peer is.
"""

import asyncio
from collections.abc import Callable

from django_vortex.exceptions import PeerError
from django_vortex.live.questions import make_name
from django_vortex.routing.peer import Peer
from django_vortex.routing.registered import Registered
from django_vortex.server.connection import Connection
from django_vortex.server.delivery import UNKNOWN_DIALECT
from django_vortex.server.host import Host
from django_vortex.server.peers import Peers
from django_vortex.server.presentation import (
    LoadedPresentation,
    ObserverPresentation,
    OwnPresentation,
    Presentation,
)
from django_vortex.server.subscription import Subscription
from django_vortex.server.subscriptions import Subscriptions
from django_vortex.server.watch_requests import demand, find_watchable, write_filt
from django_vortex.typedefs import Filt
from django_vortex.wire.dialects import Dialect


class WatchMoves:
    """Begins watches where their peers are.

    Args:
        server: Knows the endpoints and how to write.
        peers: Who is here.
        subscriptions: What they watch.
        follower: Who takes watches in other processes, by its name.
        note_begun: Is told of each watch that has begun here.
    """

    def __init__(
        self,
        server: Host,
        peers: Peers,
        subscriptions: Subscriptions,
        follower: str,
        note_begun: Callable[[Subscription], None],
    ) -> None:
        self._server = server
        self._peers = peers
        self._subscriptions = subscriptions
        self._follower = follower
        self._note_begun = note_begun

    def add(self, connection: Connection, endpoint: Registered, one: Subscription) -> None:
        """Begin to watch, or where the peer has gone meanwhile, see that it is begun there."""
        if connection.is_closed:
            self._pass_on(connection, one)
            return
        self._subscriptions.add(connection, endpoint, one)
        self._note_begun(one)

    def begin_again(
        self,
        connection: Connection,
        filt: Filt,
        presentation: Presentation,
        tag: str | None,
    ) -> None:
        """Begin a watch that the peer did not ask for just now; it is told what is not possible."""
        subscription = self._subscriptions.make(connection, filt, presentation, tag)
        connection.call_when_settled(subscription.start)
        coroutine = self._go_on(connection, subscription)
        self._server.keep(asyncio.get_running_loop().create_task(coroutine))

    def describe(self, one: Subscription) -> str:
        """Return what `take` makes a watch of."""
        codec, shown = self._server.codec, one.presentation
        value = [one.filt, one.tag, shown.filt, shown.more]
        encoded = codec.encode_value(value, Dialect.NATIVE)
        return codec.encode_json(encoded, Dialect.NATIVE).decode()

    def take(self, peer: Peer, text: str) -> None:
        """Go on with a watch of a peer that came from another process."""
        codec = self._server.codec
        filt, tag, pushed, more = codec.decode_value(codec.read_json(text), Dialect.NATIVE)
        connection = self._peers.get(peer.uuid)
        if connection is None:
            return
        shown = self._subscriptions.shown
        presentation: Presentation
        if pushed is None:
            presentation = OwnPresentation(shown, make_name(filt, codec.registry))
        else:
            name = write_filt(pushed, codec.registry)
            dialect = connection.dialect or UNKNOWN_DIALECT
            if isinstance(more, list):
                presentation = ObserverPresentation(shown, name, pushed, dialect, None, more)
            else:
                presentation = LoadedPresentation(shown, name, pushed, dialect, is_list=more)
        self.begin_again(connection, filt, presentation, tag)

    def _pass_on(self, connection: Connection, one: Subscription) -> None:
        """Let the process that has a peer now go on with what was begun under a connection here."""
        if not connection.is_moved or connection.is_revoked:
            return
        here = self._peers.get(one.peer)
        if here is None:
            self._server.followers.tell(self._follower, self.describe(one), one.peer)
        else:  # it has come back
            self.begin_again(here, one.filt, one.presentation, one.tag)

    async def _go_on(self, connection: Connection, subscription: Subscription) -> None:
        try:
            endpoint = find_watchable(self._server.payload_io, subscription.filt, connection.peer)
            await demand(self._server.payload_io, endpoint, subscription.filt, connection.peer)
            known = self._subscriptions.get(subscription.peer, subscription.name)
            is_loaded = isinstance(subscription.presentation, LoadedPresentation)
            if known is not None and is_loaded:  # nobody knows which of the two was sent last
                subscription.tag = None
            if known is None or is_loaded:
                self.add(connection, endpoint, subscription)
        except PeerError as error:
            subscription.refuse(error)
