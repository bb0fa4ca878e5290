"""What the peers of one server watch: `Watching`.

Takes the messages with which peers begin and end watches, and peers that come from other processes
with theirs; shows each peer the answers of its watches. Used on the server's loop.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from weakref import WeakKeyDictionary

from django_vortex.exceptions import (
    HandlerError,
    PeerError,
    PermissionDenied,
    TooManyRequests,
    UnknownEndpoint,
    ValidationError,
    quoted,
)
from django_vortex.live.change_texts import read_changes, write_changes
from django_vortex.live.changes import Change
from django_vortex.live.options import LiveOptions
from django_vortex.live.questions import Evaluate, NeedsPeer, Question, Scope, make_name
from django_vortex.live.watch import Watch
from django_vortex.live.watches import Watches
from django_vortex.logs import get_limited_logger
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.failures import make_result
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.permission import READING
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.registered import Registered
from django_vortex.routing.request import Request
from django_vortex.server.connection import Connection
from django_vortex.server.delivery import Delivery
from django_vortex.server.gate import Gate, is_open_to_all, make_gate_endpoint
from django_vortex.server.host import Host
from django_vortex.server.peers import Peers
from django_vortex.server.shown import SHOWN, ShownAnswer
from django_vortex.server.subscription import Subscription
from django_vortex.typedefs import Filt
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.reserved import MESSAGE_ID, UNWATCH_KEY, WATCH_KEY

logger = get_limited_logger("django_vortex.server")

AT_ONCE: Final = 16
"""How many watches of a message are asked permission for at a time."""


@dataclass(frozen=True, slots=True)
class Live:
    """What a server needs for live answers.

    Attributes:
        evaluate: Evaluates questions.
        options: See `LiveOptions`.
        can_find: Tells of a peer whether an evaluation finds its user by the primary key; for
            others each peer has watches of its own.
    """

    evaluate: Evaluate
    options: LiveOptions
    can_find: Callable[[Peer], bool]


class Watching:
    """The watches of the peers of one server; a `Follower`.

    Args:
        server: Knows the time.
        peers: Who is here.
        live: How to evaluate what is watched.
    """

    name = "vortex.watching"

    def __init__(self, server: Host, peers: Peers, live: Live) -> None:
        self.watches = Watches(
            live.evaluate, live.options, clock=server.monotonic, start=self._start
        )
        """What is watched."""
        self._server = server
        self._peers = peers
        self._can_find = live.can_find
        self._of_peers: dict[str, dict[str, Subscription]] = {}
        self._deliveries: dict[Watch, tuple[object, dict[str | None, Delivery]]] = {}
        self._personal: set[Registered] = set()
        self._gates: WeakKeyDictionary[Registered, PayloadEndpoint] = WeakKeyDictionary()
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
        self._payload_io.followers.add(self)

    def close(self) -> None:
        """Begin no more watches."""
        for endpoint in self._endpoints:
            endpoint.close()

    @property
    def position(self) -> str:
        """The position of the change log, as peers are told it."""
        return self._write_position(self.watches.position)

    def tell(self, changes: Sequence[Change]) -> None:
        """Take changes that were committed in this process, and tell the other processes."""
        self.watches.tell(changes)
        text = write_changes(changes, self._server.codec)
        self._payload_io.followers.tell(self.name, text)

    async def watch(self, request: Request) -> list[dict[str, Any]]:
        """Begin to watch what a peer asks for; an answer for each, in their order.

        Raises:
            HandlerError: The peer is none that can watch.
        """
        if not request.dialect.is_native:
            raise HandlerError("Only clients of django_vortex send vortex.watch")
        connection = self._peers.get(request.peer.uuid)
        if connection is None:
            raise HandlerError("The peer is not with this server any more")
        begun: list[Subscription] = []
        request.call_when_answered(partial(_start, begun))
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
                self._remove(request.peer.uuid, name)

    def rescope(self, connection: Connection) -> None:
        """Ask again for all watches of a peer, which is somebody else now."""
        uuid = connection.peer.uuid
        for subscription in tuple(self._of_peers.get(uuid, {}).values()):
            self._remove(uuid, subscription.name)
            subscription.tag = None
            self._begin_again(connection, subscription.filt, None)

    def receive_news(self, text: str) -> None:
        """Take changes that were committed in another process."""
        if self.watches.watches:
            self.watches.tell(read_changes(text, self._server.codec))

    def recover(self) -> None:
        """Evaluate all anew: changes of other processes were not heard of."""
        self.watches.recover()

    def forget_peer(self, uuid: str) -> None:
        """End all watches of a peer, which is gone for good."""
        for name in tuple(self._of_peers.get(uuid, ())):
            self._remove(uuid, name)

    def give_peer(self, uuid: str) -> Iterable[str]:
        """Yield what a peer watches and has, which goes to another process."""
        codec = self._server.codec
        subscriptions = list(self._of_peers.get(uuid, {}).values())
        self.forget_peer(uuid)
        for one in subscriptions:
            value = codec.encode_value([one.filt, one.tag], Dialect.NATIVE)
            yield codec.encode_json(value, Dialect.NATIVE).decode()

    def take_peer(self, peer: Peer, text: str) -> None:
        """Go on with a watch of a peer that came from another process."""
        codec = self._server.codec
        filt, tag = codec.decode_value(codec.read_json(text), Dialect.NATIVE)
        connection = self._peers.get(peer.uuid)
        name = make_name(filt, codec.registry)
        if connection is not None and name not in self._of_peers.get(peer.uuid, {}):
            self._begin_again(connection, filt, tag)

    def lose_texts(self, uuid: str) -> None:
        """Note that a peer may not have got the last that it was shown."""
        for subscription in self._of_peers.get(uuid, {}).values():
            subscription.tag = None

    def deliver(self, shown: ShownAnswer, uuid: str) -> None:
        """Give something to the connection of a peer, if that is here."""
        connection = self._peers.get(uuid)
        if connection is not None:
            try:
                connection.show(shown)
            except Exception:
                logger.exception("An answer could not be shown to a peer")

    def get_delivery(self, watch: Watch, tag: str | None) -> Delivery:
        """Return what takes peers from an answer to the newest, the same for all of them."""
        answer = watch.answer
        if answer is None:
            raise LookupError(f"{watch.question} has no answer")
        shown = answer, watch.answered_at
        known, deliveries = self._deliveries.get(watch, (None, {}))
        if known != shown:
            deliveries = {}
            self._deliveries[watch] = shown, deliveries
        delivery = deliveries.get(tag)
        if delivery is None:
            at = self._write_position(watch.answered_at)
            envelope = answer.make_envelope(watch.question.name, at, tag)
            delivery = deliveries[tag] = Delivery(envelope, self.date(), SHOWN)
        return delivery

    def call_when_open(self, gate: Gate, function: Callable[[], None]) -> None:
        """Call a function when it is known that a peer may see its answer."""
        if gate.watch is not None:
            self.watches.call_when_current(gate.watch, function)

    def date(self) -> int:
        """Return the time in milliseconds."""
        return self._server.date()

    def end(self, subscription: Subscription, error: PeerError) -> bool:
        """Let go of a subscription whose watch is over; see `Shower.end`."""
        self._forget(subscription)
        watch = subscription.watch
        if not isinstance(error, NeedsPeer) or watch is None or watch.question.scope.is_shared:
            return True
        self._personal.add(watch.question.endpoint)
        connection = self._peers.get(subscription.peer)
        if connection is not None:
            subscription.watch = None
            self._subscribe(connection, watch.question.endpoint, subscription)
        return False

    @property
    def _payload_io(self) -> PayloadIO:
        return self._server.payload_io

    def _start(self, coroutine: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(coroutine)
        self._server.keep(task)
        return task

    def _write_position(self, position: int) -> str:
        return f"{self._server.process}:{position}"

    async def _begin(
        self, connection: Connection, asked: Any, index: int, begun: list[Subscription]
    ) -> dict[str, Any]:
        """Begin one watch, and return what its peer is told of that."""
        try:
            filt, tag = _read(asked, index)
            endpoint = self._find_endpoint(filt, connection.peer)
            await self._demand(endpoint, filt, connection.peer)
            name = make_name(filt, self._server.codec.registry)
            uuid = connection.peer.uuid
            self._remove(uuid, name)
            subscription = Subscription(self, uuid, connection.user_key, filt, name, tag)
            self._subscribe(connection, endpoint, subscription)
        except PeerError as error:
            return {"error": make_result(error, Dialect.NATIVE)}
        begun.append(subscription)
        return {"watch": name}

    def _begin_again(self, connection: Connection, filt: Filt, tag: str | None) -> None:
        """Begin a watch that the peer did not ask for just now; it is told what is not possible."""
        name = make_name(filt, self._server.codec.registry)
        subscription = Subscription(
            self, connection.peer.uuid, connection.user_key, filt, name, tag
        )
        subscription.start()
        self._start(self._go_on(connection, subscription))

    async def _go_on(self, connection: Connection, subscription: Subscription) -> None:
        try:
            endpoint = self._find_endpoint(subscription.filt, connection.peer)
            await self._demand(endpoint, subscription.filt, connection.peer)
            if subscription.name not in self._of_peers.get(subscription.peer, {}):
                self._subscribe(connection, endpoint, subscription)
        except PeerError as error:
            subscription.refuse(error)

    def _subscribe(
        self, connection: Connection, endpoint: Registered, subscription: Subscription
    ) -> None:
        if connection.is_closed:
            return
        scope = self._make_scope(connection, endpoint)
        question = Question(subscription.name, scope, endpoint, subscription.filt)
        self._of_peers.setdefault(subscription.peer, {})[subscription.name] = subscription
        try:
            if scope.is_shared and not is_open_to_all(endpoint, subscription.filt):
                subscription.gate = self._make_gate(connection, endpoint, subscription)
            subscription.watch = self.watches.subscribe(question, subscription)
        except PeerError:
            self._forget(subscription)
            raise

    def _make_gate(
        self, connection: Connection, endpoint: Registered, subscription: Subscription
    ) -> Gate:
        """Watch whether a peer may watch."""
        gate_endpoint = self._gates.get(endpoint)
        if gate_endpoint is None:
            gate_endpoint = self._gates[endpoint] = make_gate_endpoint(endpoint)
        scope = self._make_user_scope(connection, gate_endpoint)
        name = f"{subscription.name} gate"
        question = Question(name, scope, gate_endpoint, subscription.filt)
        gate = Gate(subscription.peer, subscription.user, partial(self._refuse, subscription))
        gate.watch = self.watches.subscribe(question, gate)
        return gate

    def _refuse(self, subscription: Subscription, error: PeerError) -> None:
        """End a watch whose peer may not watch any more."""
        self._forget(subscription)
        subscription.refuse(error)

    def _make_scope(self, connection: Connection, endpoint: Registered) -> Scope:
        watchable = endpoint.watchable
        if watchable is not None and watchable.scope == "all":
            return Scope(is_shared=True)
        return self._make_user_scope(connection, endpoint)

    def _make_user_scope(self, connection: Connection, endpoint: Registered) -> Scope:
        is_personal = endpoint in self._personal or not self._can_find(connection.peer)
        return Scope(connection.user_key, peer=connection.peer.uuid if is_personal else None)

    def _find_endpoint(self, filt: Filt, peer: Peer) -> Registered:
        found = self._payload_io.find(filt, peer.name)
        watchable = [one for one in found if one.watchable is not None]
        if len(watchable) == 1:
            return watchable[0]
        key = quoted(filt.get("key"))
        if not found:
            raise UnknownEndpoint(f"Nothing answers {key}", "$.filt.key")
        if not watchable:
            raise HandlerError(f"The answers of {key} cannot be watched: it is no query")
        raise HandlerError(f"{len(watchable)} handlers answer {key}, and one can be watched")

    async def _demand(self, endpoint: Registered, filt: Filt, peer: Peer) -> None:
        """Refuse a peer that may not watch, or asks too often.

        Where each user has an answer of its own, its evaluation asks for the permission.
        """
        if endpoint.rates is not None and (wait := endpoint.rates.admit(peer)):
            raise TooManyRequests(wait)
        if endpoint.watchable is None or endpoint.watchable.scope != "all":
            return
        envelope = PayloadEnvelope(dict(filt))
        request = Request(envelope, peer, codec=self._server.codec, is_push=True)
        try:
            may_watch = await endpoint.permission.ask(request, READING, self._payload_io.run_sync)
        except Exception as error:
            raise self._payload_io.explain(endpoint, peer.name, error) from error
        if not may_watch:
            raise PermissionDenied("You may not ask for this")

    def _remove(self, uuid: str, name: str) -> None:
        subscription = self._of_peers.get(uuid, {}).get(name)
        if subscription is not None:
            self._forget(subscription)
            subscription.stop()

    def _forget(self, subscription: Subscription) -> None:
        """Let go of a subscription, and of its watch."""
        of_peer = self._of_peers.get(subscription.peer, {})
        if of_peer.get(subscription.name) is subscription:
            del of_peer[subscription.name]
            if not of_peer:
                del self._of_peers[subscription.peer]
        gate, subscription.gate = subscription.gate, None
        if gate is not None and gate.watch is not None:
            self.watches.unsubscribe(gate.watch, gate)
        watch = subscription.watch
        if watch is not None:
            self.watches.unsubscribe(watch, subscription)
            if not watch.subscribers:
                self._deliveries.pop(watch, None)


def _start(begun: Iterable[Subscription]) -> None:
    for subscription in begun:
        subscription.start()


def _read(asked: Any, index: int) -> tuple[Filt, str | None]:
    """Return filt and tag of one watch that a peer asks for.

    Raises:
        ValidationError: It is none.
    """
    filt = asked.get("filt") if isinstance(asked, dict) else None
    tag = asked.get("tag") if isinstance(asked, dict) else None
    if not isinstance(filt, dict) or not isinstance(filt.get("key"), str):
        text = "Expected a dict with a filt that has a key"
        raise ValidationError(errors=[{"index": index, "field": "filt", "messages": [text]}])
    if tag is not None and not isinstance(tag, str):
        raise ValidationError(
            errors=[{"index": index, "field": "tag", "messages": ["Expected a text, or null"]}]
        )
    return {name: value for name, value in filt.items() if name != MESSAGE_ID}, tag
