"""Reading again what peers have loaded: `LoadReader`.

Takes loads that are stale, gives what to push. Each is answered as if its peer asked now:
with the same hooks and permissions, in one transaction for all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django_vortex.exceptions import HandlerError, TryAgain
from django_vortex.logs import get_limited_logger
from django_vortex.orm.crud.content import digest
from django_vortex.orm.crud.loads import Load
from django_vortex.orm.crud.plan import CrudPlan
from django_vortex.orm.crud.work import CrudWork, Outcome
from django_vortex.orm.store import Store, Unit
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permission import Action
from django_vortex.routing.permissions import DefaultPermission
from django_vortex.routing.request import Request
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload

logger = get_limited_logger(__name__)

MAX_FAILURES: Final = 3
"""After how many failures in a row nothing more of a batch is tried."""


@dataclass(frozen=True, slots=True)
class Push:
    """What a peer is going to get, unless it has that.

    Attributes:
        envelope: What is sent.
        content: The digest of its tuples.
    """

    envelope: PayloadEnvelope
    content: bytes | None


class LoadReader:
    """Reads for the peers of one handler.

    Args:
        plan: What the handler serves.
        store: Where.
        payload_io: The handler's registry.
        answer: Does what a request asks for.
        is_same_for_all: Whether who may retrieve at all gets what all others get, as far as the
            handler's methods and extensions are concerned.
    """

    def __init__(
        self,
        plan: CrudPlan,
        store: Store,
        payload_io: PayloadIO,
        answer: Callable[[Request, Unit], Outcome],
        *,
        is_same_for_all: bool,
    ) -> None:
        self._plan = plan
        self._store = store
        self._payload_io = payload_io
        self._answer = answer
        self._is_same_for_all = is_same_for_all

    async def read(self, batch: Sequence[Load]) -> Sequence[Push | None]:
        """Make the pushes of loads in one transaction; of one that cannot be read it is None.

        Raises:
            TryAgain: The database cannot read now; nothing is known of any of them.
        """
        asking = [(load, self._make_request(load)) for load in batch]
        if not asking:
            return []
        try:
            return await self._store.run(lambda unit: self._make_pushes(asking, unit))
        except TryAgain:
            raise
        except Exception:
            if len(batch) == 1:
                logger.exception("%r could not read for a push", self._plan.handler)
                return [None]
        # One of them has spoiled the transaction; the others shall not suffer.
        pushes: list[Push | None] = []
        failures = 0
        for load in batch:
            push = None
            if failures < MAX_FAILURES:
                [push] = await self.read([load])
            failures = 0 if push is not None else failures + 1
            pushes.append(push)
        return pushes

    def _make_pushes(self, asking: Sequence[tuple[Load, Request]], unit: Unit) -> list[Push]:
        """Ask again for loads; what is the same for several peers is read and encoded once."""
        is_shared = self._is_same_for_all and not self._restricts_rows()
        made: dict[Any, Push] = {}
        pushes = []
        for load, request in asking:
            mark: Any = load
            if is_shared:
                table = CrudWork(self._plan, request, unit).table(self._plan.main)
                may = table.is_allowed(Action.RETRIEVE)
                mark = load.asked.name, may
            if mark not in made:
                made[mark] = self._make_push(load, request, unit)
            pushes.append(made[mark])
        return pushes

    def _restricts_rows(self) -> bool:
        """Return whether a permission shows some rows, or rows inside, to some peers only."""
        main = self._plan.main
        permission = main.access.permission
        if isinstance(permission, DefaultPermission):
            permission = permission.current
        return bool(permission.restricts or main.access.nested)

    def _make_push(self, load: Load, request: Request, unit: Unit) -> Push:
        """Make the push of what a peer would be answered; whoever is refused gets no tuples."""
        try:
            tuples = self._answer(request, unit).tuples
        except HandlerError:
            tuples = []
        filt = dict(load.asked.reply_filt)
        envelope = PayloadEnvelope(filt, Payload(filt, tuples))
        codec = self._payload_io.codec
        envelope.encoded(codec, Dialect.NATIVE, self._payload_io.clock())
        return Push(envelope, digest(tuples, codec))

    def _make_request(self, load: Load) -> Request:
        """Make the request of a peer that asks for the same again, as who it is now."""
        peer = self._payload_io.followers.get_peer(load.peer.uuid) or load.peer
        return Request.for_push(load.asked.filt, peer, self._payload_io.codec)
