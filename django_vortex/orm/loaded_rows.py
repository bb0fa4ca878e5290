"""Who has loaded which row, so that they can be told when it changes.

Takes requests for single rows, gives the peers and filts to push to. Bounded: what was loaded
longest ago is forgotten first, and its peer gets no more pushes until it loads the row again.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from django_vortex.orm.store import Key
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import MESSAGE_ID, Request
from django_vortex.typedefs import Filt

MAX_LOADS = 100_000
"""How many loads are remembered per handler."""


@dataclass(frozen=True, slots=True)
class Load:
    """A row that a peer has loaded under a filt."""

    peer: Peer
    filt: Filt


class LoadedRows:
    """The latest loads of a handler's rows. May be used from any thread."""

    def __init__(self, limit: int = MAX_LOADS) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._loads: OrderedDict[tuple[Key, str], Load] = OrderedDict()
        self._peers: dict[Key, set[str]] = {}

    def add(self, key: Key, request: Request) -> None:
        """Remember that a peer has loaded a row."""
        filt = {name: value for name, value in request.reply_filt.items() if name != MESSAGE_ID}
        mark = key, request.peer.uuid
        with self._lock:
            self._loads[mark] = Load(request.peer, filt)
            self._loads.move_to_end(mark)
            self._peers.setdefault(key, set()).add(request.peer.uuid)
            if len(self._loads) > self._limit:
                (old_key, uuid), _ = self._loads.popitem(last=False)
                uuids = self._peers[old_key]
                uuids.discard(uuid)
                if not uuids:
                    del self._peers[old_key]

    def find(self, key: Key, *, besides: str) -> list[Load]:
        """Give the loads of a row by all peers but one."""
        with self._lock:
            uuids = sorted(self._peers.get(key, ()))
            return [self._loads[key, uuid] for uuid in uuids if uuid != besides]
