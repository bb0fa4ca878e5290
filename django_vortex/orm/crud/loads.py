"""What peers have loaded from a handler, so that they can be told when it changes: `Loads`.

Takes what a peer asks, gives the loads that a change concerns. Bounded per peer and in all: what
was asked longest ago is forgotten first, and its peer gets no more pushes until it asks again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from django_vortex.orm.store import Key
from django_vortex.routing.peer import Peer
from django_vortex.typedefs import Filt

MAX_LOADS: Final = 100_000
"""How many loads of all peers of a process are remembered per handler."""

MAX_ROWS_PER_PEER: Final = 1000
"""How many rows of one peer are remembered."""

MAX_LISTS_PER_PEER: Final = 16
"""How many lists of one peer are remembered; each page that it has looked at is one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a peer has asked: a row or a list, under a filt.

    Attributes:
        name: The same for what is the same.
        filt: Without what is different each time.
        reply_filt: What the answer goes under.
        key: Of the row; None is no single row.
        is_list: Whether it is a list of rows.
    """

    name: str
    filt: Filt
    reply_filt: Filt
    key: Key | None
    is_list: bool

    def got(self, tuples: Sequence[Any]) -> bool:
        """Return whether these tuples are the list or the row, not none or a default tuple."""
        return self.is_list or (self.key is not None and bool(tuples))


@dataclass(slots=True, eq=False)
class Load:
    """What one peer has asked, and what is known about the answers."""

    asked: Asked
    peer: Peer
    """Who asked, as it was then."""

    is_here: bool = True
    """Whether it is remembered in this process."""

    is_moved: bool = False
    """Whether it is where the peer is now, in another process."""

    is_answered: bool = False
    """Whether the peer got something; nobody is told of changes of what it did not."""

    is_stale: bool = False
    """Whether there is something newer than what the peer got."""

    content: bytes | None = None
    """The digest of what the peer got last, None where that is not certain."""

    requests: int = 0
    """How many requests of the peer for just this run."""

    turn: int = 0
    """How many there were."""

    order: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the request that is answered, so that an older answer does not follow a newer one."""


_Kinds: TypeAlias = dict[bool, OrderedDict[str, Load]]
"""The loads of one peer: lists or not, by name."""

_NONE: _Kinds = {}


class Loads:
    """The latest loads of a handler's rows and lists.

    Args:
        limit: How many.
        rows_per_peer: How many rows of one peer.
        lists_per_peer: How many lists of one peer.
    """

    def __init__(
        self,
        limit: int = MAX_LOADS,
        rows_per_peer: int = MAX_ROWS_PER_PEER,
        lists_per_peer: int = MAX_LISTS_PER_PEER,
    ) -> None:
        self._limit = limit
        self._limits = {False: rows_per_peer, True: lists_per_peer}
        self._all: OrderedDict[Load, None] = OrderedDict()
        self._of_peers: dict[str, _Kinds] = {}
        self._of_rows: dict[Key, dict[Load, None]] = {}
        self._lists: dict[Load, None] = {}

    def __len__(self) -> int:
        return len(self._all)

    def get(self, uuid: str, asked: Asked) -> Load | None:
        """Return what a peer has asked before."""
        known = self._of_peers.get(uuid, _NONE).get(asked.is_list)
        return None if known is None else known.get(asked.name)

    def add(self, peer: Peer, asked: Asked) -> Load:
        """Remember what a peer asks; `keep` it when it is answered, or `remove` it."""
        kinds = self._of_peers.setdefault(peer.uuid, {})
        known = kinds.setdefault(asked.is_list, OrderedDict())
        load = known.get(asked.name)
        if load is None:
            load = known[asked.name] = Load(asked, peer)
            if asked.key is not None:
                self._of_rows.setdefault(asked.key, {})[load] = None
            elif asked.is_list:
                self._lists[load] = None
        load.peer = peer
        known.move_to_end(asked.name)
        self._all[load] = None
        self._all.move_to_end(load)
        return load

    def keep(self, load: Load) -> None:
        """Remember that a peer got what it asked, and forget the oldest if that is too much."""
        if load.is_answered:
            return
        load.is_answered = True
        if load.is_here:
            known = self._of_peers[load.peer.uuid][load.asked.is_list]
            if len(known) > self._limits[load.asked.is_list]:
                self.remove(next(iter(known.values())))
            elif len(self._all) > self._limit:
                self.remove(next(iter(self._all)))

    def remove(self, load: Load) -> None:
        """Forget a load; does nothing if it was forgotten."""
        if not load.is_here:
            return
        load.is_here = False
        del self._all[load]
        asked = load.asked
        kinds = self._of_peers[load.peer.uuid]
        known = kinds[asked.is_list]
        del known[asked.name]
        if not known:
            del kinds[asked.is_list]
        if not kinds:
            del self._of_peers[load.peer.uuid]
        if asked.key is not None:
            loads = self._of_rows[asked.key]
            del loads[load]
            if not loads:
                del self._of_rows[asked.key]
        elif asked.is_list:
            del self._lists[load]

    def remove_peer(self, uuid: str) -> list[Load]:
        """Forget what a peer has asked, and give it, the oldest first."""
        kinds = self._of_peers.get(uuid, _NONE)
        removed = [load for known in kinds.values() for load in known.values()]
        for load in removed:
            self.remove(load)
        return removed

    def find(self, keys: Iterable[Key]) -> list[Load]:
        """Return the loads of rows, and of all lists: any change may move a row in or out."""
        return [*(load for key in keys for load in self._of_rows.get(key, ())), *self._lists]

    def find_all(self) -> list[Load]:
        """Return all loads."""
        return list(self._all)
