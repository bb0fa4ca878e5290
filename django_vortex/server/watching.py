"""How the peers of one server watch: `Watching`.

Takes the messages with which peers begin and end watches, observers of released clients, peers that
come from other processes with what they watch, and changes from here and there. Used on the
server's loop.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from functools import partial
from typing import Any, Final

from django_vortex.exceptions import (
    HandlerError,
    LimitExceeded,
    PeerError,
)
from django_vortex.live.change_texts import read_changes, write_changes
from django_vortex.live.changes import Change
from django_vortex.live.questions import make_name
from django_vortex.live.sweep import Sweep
from django_vortex.live.watches import Watches
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.failures import make_result
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.registered import Registered
from django_vortex.routing.request import Request
from django_vortex.server.connection import Connection
from django_vortex.server.host import Host
from django_vortex.server.inspection import Inspection
from django_vortex.server.live_parts import Live
from django_vortex.server.loading import Loading
from django_vortex.server.peers import Peers
from django_vortex.server.presentation import (
    LoadedPresentation,
    ObserverPresentation,
    OwnPresentation,
)
from django_vortex.server.reflecting import Reflecting
from django_vortex.server.subscription import Subscription
from django_vortex.server.subscriptions import (
    Subscriptions,
    start_all,
)
from django_vortex.server.watch_moves import WatchMoves
from django_vortex.server.watch_requests import demand, find_watchable, read_asked, write_filt
from django_vortex.typedefs import Filt
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.reserved import UNWATCH_KEY, WATCH_KEY

AT_ONCE: Final = 16
"""How many watches of a message are asked permission for at a time."""

ASKED_FACTOR: Final = 16
"""How many times the watches that a peer may have may be in a message, each refused by itself."""


class Watching:
    """The watches of the peers of one server; a `Follower`, and `Observers` of its registry.

    Args:
        server: Knows the time.
        peers: Who is here.
        live: How to evaluate what is watched.
    """

    name = "vortex.watching"

    def __init__(self, server: Host, peers: Peers, live: Live) -> None:
        self._sources = live.sources
        self._note = live.note
        self._max_asked = ASKED_FACTOR * live.options.max_watches_per_peer
        self.watches = Watches(
            live.evaluate,
            live.options,
            clock=server.monotonic,
            start=self._start,
            forget=live.sources.close,
        )
        """What is watched."""
        self._sweep: Sweep | None = None
        if live.sweep is not None:
            self._sweep = Sweep(self.watches, live.sweep, server.monotonic)
        self._sweeping: asyncio.Task[None] | None = None
        live.sources.bind(self.watches.tell)
        self.subscriptions = Subscriptions(
            server, peers, self.watches, live.can_find, live.find_tenant
        )
        """Who watches it."""
        self.reflecting = Reflecting(self.watches, self.subscriptions)
        """Tells peers that write when their watches contain it."""
        self._server = server
        self._peers = peers
        self._endpoints = [
            PayloadEndpoint(
                {"key": key},
                function,
                permission=AllowAny(),
                payload_io=self._payload_io,
                owner=self,
            )
            for key, function in ((WATCH_KEY, self.watch), (UNWATCH_KEY, self.unwatch))
        ]
        server.followers.add(self)
        server.followers.add(Inspection(self.watches, server.followers, server.process))
        self._payload_io.observers = self
        self._moves = WatchMoves(server, peers, self.subscriptions, self.name, self._note_begun)
        self._loading = Loading(
            peers,
            self.subscriptions,
            partial(find_watchable, self._payload_io),
            self._write_filt,
            self._moves.add,
        )
        self._payload_io.loads = self._loading

    def close(self) -> None:
        """Begin no more watches, and evaluate nothing."""
        for endpoint in self._endpoints:
            endpoint.close()
        if self._payload_io.observers is self:
            self._payload_io.observers = self._payload_io.loads = None
        self.watches.stop()
        if self._sweeping is not None:
            self._sweeping.cancel()
        self._sources.close_all()

    def tell(self, changes: Sequence[Change]) -> None:
        """Take changes that were committed in this process, and tell the other processes."""
        self._take(changes)
        text = write_changes(changes, self._server.codec)
        self._server.followers.tell(self.name, text)

    async def watch(self, request: Request) -> list[dict[str, Any]]:
        """Begin to watch what a peer asks for; an answer for each, in their order.

        Raises:
            HandlerError: The peer is none that can watch.
            LimitExceeded: It is far more than a peer may watch.
        """
        if not request.dialect.is_native:
            raise HandlerError("Only clients of django_vortex send vortex.watch")
        connection = self._get_connection(request)
        if len(request.tuples) > self._max_asked:
            count = len(request.tuples)
            raise LimitExceeded(f"{count} watches in a message, at most {self._max_asked}")
        begun: list[Subscription] = []
        request.call_when_answered(partial(start_all, begun))
        answers: list[dict[str, Any]] = []
        asked = request.tuples
        for start in range(0, len(asked), AT_ONCE):
            part = [
                self._begin(connection, one, index, begun)
                for index, one in enumerate(asked[start : start + AT_ONCE], start)
            ]
            answers += await asyncio.gather(*part)
        return answers

    async def unwatch(self, request: Request) -> None:
        """End watches of a peer, by their names; unknown ones are over already."""
        for name in request.tuples:
            if isinstance(name, str):
                self.subscriptions.remove(request.peer.uuid, name)

    async def subscribe(
        self,
        request: Request,
        endpoint: Registered,
        question: Filt,
        pushed: Filt,
        observer: str,
        /,
    ) -> None:
        """Show an observer the answer to a question; see `Observers`."""
        connection = self._get_connection(request)
        await demand(self._payload_io, endpoint, question, connection.peer)
        name = self._write_filt(pushed)
        others = self._find_observers(connection.peer.uuid, name) - {observer}
        presentation = ObserverPresentation(
            self.subscriptions.shown,
            name,
            pushed,
            request.dialect,
            pushed if others else request.reply_filt,  # which the others do not look at
            {*others, observer},
        )
        subscription = self.subscriptions.make(connection, question, presentation)
        self._moves.add(connection, endpoint, subscription)
        subscription.start()

    def unsubscribe(self, request: Request, pushed: Filt, observer: str, /) -> None:
        """End what an observer is shown under a filt, unless others of its peer are, too."""
        uuid, name = request.peer.uuid, self._write_filt(pushed)
        observers = self._find_observers(uuid, name)
        observers.discard(observer)
        if not observers:
            self.subscriptions.remove(uuid, name)

    def rescope(self, connection: Connection) -> None:
        """Ask again for all watches of a peer, which is somebody else now."""
        for one in self.subscriptions.remove_peer(connection.peer.uuid):
            self._moves.begin_again(connection, one.filt, one.presentation, None)

    def receive_news(self, text: str) -> None:
        """Take changes that were committed in another process."""
        self._take(read_changes(text, self._server.codec))

    def recover(self) -> None:
        """Evaluate all anew: changes of other processes were not heard of."""
        self.watches.recover()

    def forget_peer(self, uuid: str) -> None:
        """End all watches of a peer, which is gone for good."""
        self._loading.forget_peer(uuid)
        self.subscriptions.remove_peer(uuid)

    def give_peer(self, uuid: str) -> Iterable[str]:
        """Yield what a peer watches and has, which goes to another process."""
        for one in self.subscriptions.remove_peer(uuid):
            yield self._moves.describe(one)

    def take_peer(self, peer: Peer, text: str) -> None:
        """Go on with a watch of a peer that came from another process."""
        self._moves.take(peer, text)

    def lose_texts(self, uuid: str) -> None:
        """Note that a peer may not have got the last that it was shown."""
        for subscription in self.subscriptions.find(uuid):
            subscription.tag = None

    @property
    def _payload_io(self) -> PayloadIO:
        return self._server.payload_io

    def _start(self, coroutine: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(coroutine)
        self._server.keep(task)
        return task

    def _take(self, changes: Sequence[Change]) -> None:
        self._note(changes)
        if self._sweep is not None:
            self._sweep.note(changes)
        self.watches.tell(changes)

    def _note_begun(self, one: Subscription) -> None:
        if isinstance(one.presentation, LoadedPresentation):
            self._loading.keep(one.peer, one.name, is_list=one.presentation.is_list)
        if self._sweep is not None and self._sweeping is None:
            self._sweeping = self._start(self._sweep.run())

    def _get_connection(self, request: Request) -> Connection:
        connection = self._peers.get_asker(request.peer.uuid)
        if connection is None:
            raise HandlerError("The peer is not with this server any more")
        return connection

    def _find_observers(self, uuid: str, name: str) -> set[str]:
        """Return the observers in a peer that are shown something, which may be changed."""
        subscription = self.subscriptions.get(uuid, name)
        shown = None if subscription is None else subscription.presentation
        return shown.observers if isinstance(shown, ObserverPresentation) else set()

    def _write_filt(self, filt: Filt) -> str:
        return write_filt(filt, self._server.codec.registry)

    async def _begin(
        self, connection: Connection, asked: Any, index: int, begun: list[Subscription]
    ) -> dict[str, Any]:
        """Begin one watch, and return what its peer is told of that."""
        try:
            filt, tag = read_asked(asked, index)
            endpoint = find_watchable(self._payload_io, filt, connection.peer)
            await demand(self._payload_io, endpoint, filt, connection.peer)
            name = make_name(filt, self._server.codec.registry)
            presentation = OwnPresentation(self.subscriptions.shown, name)
            subscription = self.subscriptions.make(connection, filt, presentation, tag)
            self._moves.add(connection, endpoint, subscription)
        except PeerError as error:
            return {"error": make_result(error, Dialect.NATIVE)}
        begun.append(subscription)
        return {"watch": name}
