"""All that the peers of one server watch: `Subscriptions`.

Takes who watches what, and how they are shown it; joins them with `Watches` in the scope in which
each peer asks. Used on the server's loop.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary, WeakSet

from django_vortex.exceptions import PeerError
from django_vortex.live.questions import Enter, NeedsPeer, Question, Scope, make_name
from django_vortex.live.watch import Watch
from django_vortex.live.watches import Watches
from django_vortex.logs import get_limited_logger
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.peer import Peer
from django_vortex.routing.registered import Registered
from django_vortex.routing.request import Request
from django_vortex.server.connection import Connection
from django_vortex.server.gate import Gate, is_open_to_all, make_gate_endpoint
from django_vortex.server.host import Host
from django_vortex.server.peers import Peers
from django_vortex.server.presentation import Presentation, ShownAnswers
from django_vortex.server.subscription import Subscription
from django_vortex.typedefs import Filt

logger = get_limited_logger("django_vortex.server")


@dataclass(frozen=True, slots=True)
class Tenant:
    """What answers differ by beside users.

    Attributes:
        key: The same for all who share answers.
        enter: Enters it for an evaluation; None if nothing is to be entered.
    """

    key: Hashable = None
    enter: Enter | None = None


NO_TENANT: Final = Tenant()

FindTenant: TypeAlias = Callable[[Request], Tenant]
"""Returns the tenant of a peer that begins to watch; raises `PeerError` to refuse."""


class Subscriptions:
    """The subscriptions of one server, by peer and name; a `Holder`.

    Args:
        server: Knows the time and the codec.
        peers: Who is here.
        watches: Evaluates what is watched.
        can_find: Tells of a peer whether an evaluation finds its user by the primary key.
        find_tenant: Returns the key of the tenant that a peer asks in, and what enters that.
    """

    def __init__(
        self,
        server: Host,
        peers: Peers,
        watches: Watches,
        can_find: Callable[[Peer], bool],
        find_tenant: FindTenant,
    ) -> None:
        self._server = server
        self._peers = peers
        self._watches = watches
        self._can_find = can_find
        self._find_tenant = find_tenant
        self._of_peers: dict[str, dict[str, Subscription]] = {}
        self._personal: WeakSet[Registered] = WeakSet()
        self._unshared: WeakSet[Registered] = WeakSet()
        self._gates: WeakKeyDictionary[Registered, PayloadEndpoint] = WeakKeyDictionary()
        self.shown = ShownAnswers(server.date, self.write_position)
        """What is shown of the newest answers."""

    def __len__(self) -> int:
        return sum(map(len, self._of_peers.values()))

    def find(self, uuid: str) -> list[Subscription]:
        """Return what a peer watches, in the order in which that was begun."""
        return list(self._of_peers.get(uuid, {}).values())

    def get(self, uuid: str, name: str) -> Subscription | None:
        """Return what a peer watches under a name, if it does."""
        return self._of_peers.get(uuid, {}).get(name)

    def write_position(self, position: int) -> str:
        """Return a position of the change log as peers are told it."""
        return f"{self._server.process}:{position}"

    def make(
        self,
        connection: Connection,
        filt: Filt,
        presentation: Presentation,
        tag: str | None = None,
    ) -> Subscription:
        """Return a subscription of a peer that has yet to be added."""
        uuid, user = connection.peer.uuid, connection.user_key
        return Subscription(self, uuid, user, filt, presentation, tag)

    def add(self, connection: Connection, endpoint: Registered, subscription: Subscription) -> None:
        """Begin to watch, in place of what the peer watches under the same name.

        Raises:
            PeerError: The peer watches too much, or the filt has no name.
        """
        self.remove(subscription.peer, subscription.name)
        if connection.is_closed:
            return
        codec = self._server.codec
        tenant = self._find_tenant(Request.for_push(subscription.filt, connection.peer, codec))
        scope = replace(self._make_scope(connection, endpoint), tenant=tenant.key)
        name = make_name(subscription.filt, codec.registry)
        question = Question(name, scope, endpoint, subscription.filt, tenant.enter)
        self._of_peers.setdefault(subscription.peer, {})[subscription.name] = subscription
        try:
            if scope.is_shared and not is_open_to_all(endpoint, subscription.filt, codec):
                subscription.gate = self._make_gate(connection, question, subscription)
            subscription.watch = self._watches.subscribe(question, subscription)
        except PeerError:
            self._forget(subscription)
            raise

    def remove(self, uuid: str, name: str) -> None:
        """End what a peer watches under a name, if it does."""
        subscription = self._of_peers.get(uuid, {}).get(name)
        if subscription is not None:
            self._forget(subscription)
            subscription.stop()

    def remove_peer(self, uuid: str) -> list[Subscription]:
        """End all that a peer watches, and return it."""
        removed = self.find(uuid)
        for subscription in removed:
            self.remove(uuid, subscription.name)
        return removed

    def deliver(self, subscription: Subscription, /) -> None:
        """Give something to the connection of a peer, if that is here."""
        connection = self._peers.get(subscription.peer)
        if connection is None:
            return
        try:
            connection.show(subscription.make_shown(self._server.date()))
        except Exception:
            logger.exception("An answer could not be shown to a peer")

    def call_when_open(self, gate: Gate, function: Callable[[], None], /) -> None:
        """Call a function when it is known that a peer may see its answer."""
        if gate.watch is not None:
            self._watches.call_when_current(gate.watch, function)

    def end(self, subscription: Subscription, error: PeerError, /) -> bool:
        """Let go of a subscription whose watch is over; see `Holder`."""
        self._forget(subscription)
        watch = subscription.watch
        if not isinstance(error, NeedsPeer) or watch is None:
            return True
        endpoint = watch.question.endpoint
        if not watch.question.scope.is_shared:
            self._personal.add(endpoint)
        elif endpoint.watchable is not None and endpoint.watchable.scope != "all":
            self._unshared.add(endpoint)
        else:
            return True
        connection = self._peers.get(subscription.peer)
        if connection is not None:
            subscription.watch = None
            self.add(connection, endpoint, subscription)
        return False

    def _make_scope(self, connection: Connection, endpoint: Registered) -> Scope:
        watchable = endpoint.watchable
        if watchable is None:
            return self._make_user_scope(connection, endpoint)
        if watchable.scope == "all":
            return Scope(is_shared=True)
        may_share = None if endpoint in self._unshared else watchable.may_share
        if may_share is not None and may_share():
            return Scope(is_shared=True)
        return self._make_user_scope(connection, endpoint)

    def _make_user_scope(self, connection: Connection, endpoint: Registered) -> Scope:
        is_personal = endpoint in self._personal or not self._can_find(connection.peer)
        return Scope(connection.user_key, peer=connection.peer.uuid if is_personal else None)

    def _make_gate(
        self, connection: Connection, asked: Question, subscription: Subscription
    ) -> Gate:
        """Watch whether a peer may watch."""
        endpoint = asked.endpoint
        gate_endpoint = self._gates.get(endpoint)
        if gate_endpoint is None:
            gate_endpoint = self._gates[endpoint] = make_gate_endpoint(endpoint)
        scope = self._make_user_scope(connection, gate_endpoint)
        question = replace(
            asked,
            name=f"{asked.name} gate",
            scope=replace(scope, tenant=asked.scope.tenant),
            endpoint=gate_endpoint,
        )
        gate = Gate(subscription, partial(self._refuse, subscription))
        gate.watch = self._watches.subscribe(question, gate)
        return gate

    def _refuse(self, subscription: Subscription, error: PeerError) -> None:
        """End a watch whose peer may not watch any more."""
        self._forget(subscription)
        subscription.refuse(error)

    def _forget(self, subscription: Subscription) -> None:
        """Let go of a subscription, and of its watches."""
        of_peer = self._of_peers.get(subscription.peer, {})
        if of_peer.get(subscription.name) is subscription:
            del of_peer[subscription.name]
            if not of_peer:
                del self._of_peers[subscription.peer]
        gate, subscription.gate = subscription.gate, None
        if gate is not None:
            self._unsubscribe(gate.watch, gate)
        self._unsubscribe(subscription.watch, subscription)

    def _unsubscribe(self, watch: Watch | None, subscriber: Any) -> None:
        if watch is not None:
            self._watches.unsubscribe(watch, subscriber)
            if not watch.subscribers:
                self.shown.forget(watch)


def start_all(begun: Iterable[Subscription]) -> None:
    """Show what was begun, behind the answer to whoever has begun it."""
    for subscription in begun:
        subscription.start()
