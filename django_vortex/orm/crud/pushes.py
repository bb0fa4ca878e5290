"""What ``push_on_commit`` does: whoever has loaded rows gets them again when they have changed.

Takes what peers ask and which rows were changed, here or in another process; asks again as those
peers and pushes the answers. Only keys travel between processes: the process that has a peer reads
for it, under its permissions. What a peer has loaded goes with it when it moves to another process.

Everything runs on the server's loop. One transaction at a time reads for all that is stale then, so
a burst of commits costs few of them, and no older state follows a newer one. A database that is
busy is read again after a while, for whoever is still there. What a peer is being
answered itself is not pushed meanwhile: it is read when the answer is on its way.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from django_vortex.exceptions import DefinitionError, TryAgain, ValidationError
from django_vortex.logs import get_limited_logger
from django_vortex.orm.crud.load_reader import LoadReader, Push
from django_vortex.orm.crud.loads import Asked, Load, Loads
from django_vortex.orm.crud.plan import CrudPlan
from django_vortex.orm.crud.work import Outcome, read_filt_key
from django_vortex.orm.store import Key
from django_vortex.routing.address import Address
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import Request
from django_vortex.tuples.canonical import canonical_text
from django_vortex.typedefs import Filt
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.reserved import MESSAGE_ID

logger = get_limited_logger(__name__)

MAX_BATCH: Final = 1000
"""How many loads are read in one transaction."""

PUSHES_PER_TURN: Final = 50
"""After how many pushes the loop gets its turn."""

MAX_NAME_CHARACTERS: Final = 4096
"""What is asked under a longer filt is not remembered."""

MAX_LOADS_PER_TEXT: Final = 100
"""How many loads of a peer that moves travel in one record."""

RECENT_SECONDS: Final = 10.0
"""A change longer ago than this was heard of by the process that a peer comes from."""

FIRST_DELAY_SECONDS: Final = 0.1
"""How long a database that is busy is left alone before it is read again; then twice as long."""

MAX_DELAY_SECONDS: Final = 5.0
"""How long at most."""

_PASSING = (MESSAGE_ID, "delete")
"""What a filt says of one request only: its answer is under the filt of the others all the same."""


class CrudPushes:
    """The pushes of one handler; a `Follower`.

    Args:
        plan: What the handler serves.
        reader: Asks again.
        payload_io: The handler's registry.
        filt: Its filt.
        with_lists: Whether lists are pushed as well as rows.
    """

    def __init__(
        self,
        plan: CrudPlan,
        reader: LoadReader,
        payload_io: PayloadIO,
        filt: Filt,
        *,
        with_lists: bool,
    ) -> None:
        self.name = canonical_text([filt, plan.main.row_tuple.name], payload_io.codec.registry)
        self._plan = plan
        self._reader = reader
        self._payload_io = payload_io
        self._with_lists = with_lists and plan.listing is not None
        self.loads = Loads()
        """What peers of this process have loaded."""
        self._stale: dict[Load, None] = {}
        self._reading: dict[Load, int] = {}
        self._changed_at: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._delay = FIRST_DELAY_SECONDS
        self._is_waiting = False
        payload_io.followers.add(self)

    def begin(self, request: Request) -> Load | None:
        """Note what a peer is asking, before anything is read, so that no change is missed.

        Gives what `note` wants to know.
        """
        reply_filt = _without_passing(request.reply_filt)
        asked = self._make_asked(_without_passing(request.filt), reply_filt) if reply_filt else None
        if asked is None:
            return None
        if self._payload_io.followers.get_peer(request.peer.uuid) is None:
            load = Load(asked, request.peer, is_here=False, is_moved=True)
        else:
            load = self.loads.add(request.peer, asked)
        load.content = None
        load.requests += 1
        load.turn += 1
        request.call_when_answered(lambda: self._end(load))
        return load

    async def wait_for_turn(self, request: Request, load: Load) -> None:
        """Wait until the peer has the answers to what it asked before for the same."""
        await load.order.acquire()
        request.call_when_answered(load.order.release)

    def note(self, load: Load | None, outcome: Outcome) -> None:
        """Note what was committed; whoever has loaded it is told.

        Args:
            load: What `begin` gave of the request.
            outcome: What was done, and what the peer is answered: of its own row it knows then.
        """
        if load is not None and outcome.result is None and load.asked.got(outcome.tuples):
            self.loads.keep(load)
            load.content = outcome.content
        keys = list(dict.fromkeys(one.key for one in outcome.done if one.plan is self._plan.main))
        if keys:
            self._change(keys, besides=None if load is None or load.asked.is_list else load)
            try:
                self._payload_io.followers.tell(self.name, self._write([list(key) for key in keys]))
            except Exception:  # whoever has saved is not to blame
                logger.exception(
                    "%r could not tell other processes of a change", self._plan.handler
                )

    def receive_news(self, text: str) -> None:
        """Take the keys of rows that another process has changed."""
        self._change([tuple(key) for key in self._read_text(text)])

    def recover(self) -> None:
        """Read all anew: changes of other processes were not heard of."""
        self._changed_at = self._payload_io.followers.now
        self._mark(self.loads.find_all())

    def forget_peer(self, uuid: str) -> None:
        """Forget what a peer has loaded."""
        self.loads.remove_peer(uuid)

    def give_peer(self, uuid: str) -> Iterable[str]:
        """Yield what a peer has loaded, and whether that is stale."""
        loads = self.loads.remove_peer(uuid)
        for load in loads:
            load.is_moved = True
        kept = [load for load in loads if load.is_answered]
        for start in range(0, len(kept), MAX_LOADS_PER_TEXT):
            yield self._describe(kept[start : start + MAX_LOADS_PER_TEXT])

    def take_peer(self, peer: Peer, text: str) -> None:
        """Remember what a peer has loaded from another process."""
        changed_at = self._changed_at
        is_suspect = (
            changed_at is not None and self._payload_io.followers.now - changed_at < RECENT_SECONDS
        )
        for filt, reply_filt, is_stale in self._read_text(text):
            asked = self._make_asked(filt, reply_filt)
            if asked is not None:
                is_known = self.loads.get(peer.uuid, asked) is not None
                load = self.loads.add(peer, asked)
                load.content = None
                self.loads.keep(load)
                if is_stale or is_suspect or is_known:
                    self._mark([load])

    def _make_asked(self, filt: Filt, reply_filt: Filt) -> Asked | None:
        """Return what a filt asks for, None if that is not remembered."""
        registry = self._payload_io.codec.registry
        try:
            name = canonical_text(filt if filt == reply_filt else [filt, reply_filt], registry)
            key_value = filt.get("id")
            key = None if key_value is None else read_filt_key(self._plan.main, key_value)
        except (DefinitionError, ValidationError):
            return None
        if len(name) > MAX_NAME_CHARACTERS:
            return None
        return Asked(name, filt, reply_filt, key, self._with_lists and key is None)

    def _end(self, load: Load) -> None:
        """Note that a request was answered: what has changed meanwhile may be pushed now."""
        load.requests -= 1
        if load.is_moved and load.is_answered:
            self._follow(load)
        elif load.is_here and not load.requests:
            if not load.is_answered:
                self.loads.remove(load)
            elif load.is_stale:
                self._mark([load])

    def _follow(self, load: Load) -> None:
        """Let whoever has the peer now read for it, behind the answer that was sent there."""
        load.is_stale = True
        text = self._describe([load])
        peer = self._payload_io.followers.get_peer(load.peer.uuid)
        if peer is None:
            self._payload_io.followers.tell(self.name, text, load.peer.uuid)
        else:
            self.take_peer(peer, text)

    def _describe(self, loads: Sequence[Load]) -> str:
        return self._write(
            [
                [one.asked.filt, one.asked.reply_filt, one.is_stale or one in self._reading]
                for one in loads
            ]
        )

    def _change(self, keys: Sequence[Key], besides: Load | None = None) -> None:
        self._changed_at = self._payload_io.followers.now
        self._mark(load for load in self.loads.find(keys) if load is not besides)

    def _mark(self, loads: Iterable[Load]) -> None:
        """Have loads read again."""
        for load in loads:
            load.is_stale = True
            self._stale[load] = None
        if self._is_waiting or not self._stale:
            return
        if self._task is None or self._task.done():
            self._task = self._payload_io.followers.start(self._refresh())

    async def _refresh(self) -> None:
        """Read and push what is stale until nothing is."""
        while self._stale:
            batch = self._take_batch()
            self._reading = {load: load.turn for load in batch}
            try:
                pushes = await self._reader.read(batch)
            except TryAgain:
                self._wait(batch)
                return
            self._delay = FIRST_DELAY_SECONDS
            for count, (load, push) in enumerate(zip(batch, pushes, strict=True), 1):
                if load.turn != self._reading.pop(load):
                    self._mark([load])  # its peer was answered meanwhile, or is going to be
                elif load.is_here and push is not None:
                    self._push(load, push)
                if not count % PUSHES_PER_TURN:
                    await asyncio.sleep(0)

    def _wait(self, batch: Sequence[Load]) -> None:
        """Leave a busy database alone for a while, longer each time; all that is stale waits."""
        self._reading = {}
        self._is_waiting = True
        self._mark(load for load in batch if load.is_here)
        self._payload_io.followers.call_later(self._delay, self._go_on)
        self._delay = min(2 * self._delay, MAX_DELAY_SECONDS)

    def _go_on(self) -> None:
        self._is_waiting = False
        self._mark(())

    def _take_batch(self) -> list[Load]:
        """Take out what is read next; what is being answered is marked by `_end`."""
        batch: list[Load] = []
        while self._stale and len(batch) < MAX_BATCH:
            load = next(iter(self._stale))
            del self._stale[load]
            if load.is_here and not load.requests:
                load.is_stale = False
                batch.append(load)
        return batch

    def _push(self, load: Load, push: Push) -> None:
        """Push what its peer has not got; the same again would only tell of what is hidden."""
        if push.content is not None and push.content == load.content:
            return
        load.content = push.content
        try:
            self._payload_io.push(push.envelope, Address(uuid=load.peer.uuid), coalesce=True)
        except Exception:
            load.content = None
            logger.exception("%r could not push a change", self._plan.handler)

    def _write(self, value: Any) -> str:
        codec = self._payload_io.codec
        return codec.encode_json(codec.encode_value(value, Dialect.NATIVE), Dialect.NATIVE).decode()

    def _read_text(self, text: str) -> Any:
        codec = self._payload_io.codec
        return codec.decode_value(codec.read_json(text), Dialect.NATIVE)


def _without_passing(filt: Filt) -> Filt:
    return {name: value for name, value in filt.items() if name not in _PASSING}
