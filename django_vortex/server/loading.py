"""Peers that get again what they have loaded, when it has changed: `Loading`.

Takes requests of peers that load or change rows under a filt, and the tags of the answers that they
got; lets them watch what they loaded, in whole answers. While a request is answered nothing is
pushed under its filt, and requests for the same are answered in their order, so that no older state
follows a newer one.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeAlias

from django_vortex.exceptions import PeerError
from django_vortex.routing.peer import Peer
from django_vortex.routing.registered import Registered
from django_vortex.routing.request import Request
from django_vortex.server.connection import Connection
from django_vortex.server.delivery import UNKNOWN_DIALECT
from django_vortex.server.peers import Peers
from django_vortex.server.presentation import LoadedPresentation
from django_vortex.server.subscription import Subscription
from django_vortex.server.subscriptions import Subscriptions
from django_vortex.typedefs import Filt

MAX_ROWS_PER_PEER: Final = 1000
"""How many rows of one peer are remembered; what was loaded longest ago is forgotten first."""

MAX_LISTS_PER_PEER: Final = 16
"""How many lists of one peer are remembered; each page that it has looked at is one."""

MAX_NAME_CHARACTERS: Final = 4096
"""What is asked under a longer filt is not remembered."""


class _Turn:
    """Whose request for something is answered; the others wait."""

    __slots__ = ("count", "lock")

    def __init__(self) -> None:
        self.count = 0
        self.lock = asyncio.Lock()


_Place: TypeAlias = tuple[str, str]
"""The uuid of a peer, and the name of what it loads."""


class Load:
    """One request for something that its peer may watch from then on; a `ports.Load`.

    Args:
        connection: Of the peer that asks.
        question: What is asked.
        pushed: The filt under which changes are pushed.
        name: The canonical text of that filt.
        is_list: Whether it asks for a list.
        known: What the peer watches under that name already.
    """

    __slots__ = ("connection", "is_kept", "is_list", "known", "name", "pushed", "question", "tag")

    def __init__(
        self,
        connection: Connection,
        question: Filt,
        pushed: Filt,
        name: str,
        is_list: bool,
        known: Subscription | None,
    ) -> None:
        self.connection = connection
        self.question = question
        self.pushed = pushed
        self.name = name
        self.is_list = is_list
        self.known = known
        self.is_kept = False
        self.tag: str | None = None

    def keep(self, tag: str | None) -> None:
        """Push changes of the answer from now on."""
        self.is_kept = True
        self.tag = tag

    def note(self, tag: str | None) -> None:
        """Note what the peer has got by its own change, if it is pushed that already.

        It is shown nothing from before, also where it has got something else.
        """
        if self.known is not None:
            self.is_kept = True
            self.tag = tag or self.known.tag


class Loading:
    """What peers have loaded from handlers that push to them; the `Loads` of a registry.

    Args:
        peers: Who is here.
        subscriptions: What they watch.
        find_endpoint: Returns who answers a peer; raises `PeerError` if nobody's answer can be
            watched, or more than one's.
        write_filt: Returns the name of what is shown under a filt.
        add: Begins to watch, in place of what was watched under the same name, where the peer is.
    """

    def __init__(
        self,
        peers: Peers,
        subscriptions: Subscriptions,
        find_endpoint: Callable[[Filt, Peer], Registered],
        write_filt: Callable[[Filt], str],
        add: Callable[[Connection, Registered, Subscription], None],
    ) -> None:
        self._peers = peers
        self._subscriptions = subscriptions
        self._find_endpoint = find_endpoint
        self._write_filt = write_filt
        self._add = add
        self._names: dict[str, dict[bool, OrderedDict[str, None]]] = {}
        self._turns: dict[_Place, _Turn] = {}

    async def begin(
        self, request: Request, question: Filt, pushed: Filt, /, *, is_list: bool
    ) -> Load | None:
        """Begin to answer a request; see `Loads`."""
        connection = self._peers.get_asker(request.peer.uuid)
        try:
            name = self._write_filt(pushed)
            endpoint = self._find_endpoint(question, request.peer)
        except PeerError:
            return None
        if connection is None or len(name) > MAX_NAME_CHARACTERS:
            return None
        place = connection.peer.uuid, name
        await self._take_turn(place)
        known = self._subscriptions.get(*place)
        if known is not None:
            known.hold()
        load = Load(connection, question, pushed, name, is_list, known)

        def end() -> None:
            self._give_turn(place)
            self._end(load, endpoint)

        request.call_when_answered(end)
        return load

    def forget_peer(self, uuid: str) -> None:
        """Forget what a peer has loaded."""
        self._names.pop(uuid, None)

    async def _take_turn(self, place: _Place) -> None:
        turn = self._turns.setdefault(place, _Turn())
        turn.count += 1
        try:
            await turn.lock.acquire()
        except BaseException:
            self._leave(place, turn)
            raise

    def _give_turn(self, place: _Place) -> None:
        turn = self._turns[place]
        turn.lock.release()
        self._leave(place, turn)

    def _leave(self, place: _Place, turn: _Turn) -> None:
        turn.count -= 1
        if not turn.count:
            del self._turns[place]

    def _end(self, load: Load, endpoint: Registered) -> None:
        """Watch from now on, in place of what was watched until now.

        What is evaluated already may be older than the answer; the new subscription is shown
        nothing of it.
        """
        connection, subscriptions = load.connection, self._subscriptions
        if not load.is_kept:
            if load.known is not None:
                load.known.start()
            return
        dialect = connection.dialect or UNKNOWN_DIALECT
        presentation = LoadedPresentation(
            subscriptions.shown, load.name, load.pushed, dialect, is_list=load.is_list
        )
        subscription = subscriptions.make(connection, load.question, presentation, load.tag)
        is_known = subscriptions.get(subscription.peer, load.name) is not None
        if is_known and not connection.is_settled:  # its answer may be held back, and come last
            subscription.tag = None
        connection.call_when_settled(subscription.start)
        try:
            self._add(connection, endpoint, subscription)
        except PeerError as error:
            subscription.refuse(error)

    def keep(self, uuid: str, name: str, *, is_list: bool) -> None:
        """Remember that a peer watches what it has loaded, and forget what it did longest ago."""
        names = self._names.setdefault(uuid, {}).setdefault(is_list, OrderedDict())
        names[name] = None
        names.move_to_end(name)
        if len(names) > (MAX_LISTS_PER_PEER if is_list else MAX_ROWS_PER_PEER):
            oldest, _ = names.popitem(last=False)
            self._subscriptions.remove(uuid, oldest)
