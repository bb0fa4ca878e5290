"""Pushes for peers that may read from a handler: `ReaderPushes`.

Takes deliveries for the readers of a handler, asks for each peer of this process, and delivers in
the order of the pushes. What can be decided at once is; what needs a thread or the database waits
its turn, and a newer push of the same takes the place of one that waits.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from django_vortex.logs import get_limited_logger
from django_vortex.routing.address import Address
from django_vortex.routing.peer import Peer
from django_vortex.routing.readers import Readers
from django_vortex.server.delivery import UNKNOWN_DIALECT, Delivery
from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope

logger = get_limited_logger("django_vortex.server")

AT_ONCE: Final = 16
"""How many peers are asked for at a time."""


class Target(Protocol):
    """The connection of a peer."""

    @property
    def peer(self) -> Peer:
        """Who it is now."""

    @property
    def dialect(self) -> Dialect | None:
        """What the peer reads, None before it has spoken."""

    @property
    def is_moved(self) -> bool:
        """Whether the peer is with another process."""

    def deliver(self, delivery: Delivery) -> None:
        """Send the peer a push."""

    def send(self, envelope: PayloadEnvelope) -> None:
        """Send the peer something, wherever it is now."""


class Targets(Protocol):
    """The peers of this process."""

    def find(self, to: Address) -> Sequence[Target]:
        """Return the connections of the peers that fit an address."""


class Home(Protocol):
    """The server."""

    def date(self) -> int:
        """Return the time in milliseconds."""

    def keep(self, task: "asyncio.Task[Any]") -> None:
        """Keep a task until it ends."""


ReportPushed: TypeAlias = Callable[[int], object]
"""Told for how many peers a push was queued."""


def ignore_count(count: int) -> None:
    """Ignore a count."""


@dataclass(slots=True)
class _Push:
    """A push that waits for its turn."""

    delivery: Delivery
    to: Address
    reports: list[ReportPushed]


_Waiting: TypeAlias = "OrderedDict[Any, _Push]"


class ReaderPushes:
    """The pushes of all handlers, each handler's in their order.

    Args:
        home: Knows the time and keeps tasks.
        peers: Who may get them.
        readers: Asks the handlers.
        codec: Writes the names of handlers.
    """

    def __init__(self, home: Home, peers: Targets, readers: Readers, codec: Codec) -> None:
        self._home = home
        self._peers = peers
        self._readers = readers
        self._codec = codec
        self._waiting: dict[str, _Waiting] = {}

    def push(self, delivery: Delivery, to: Address, report_pushed: ReportPushed) -> int:
        """Deliver to those who may read.

        Args:
            delivery: What; of pushes that each peer gets its own of only the filt counts.
            to: Whom to, and the filt of the handler.
            report_pushed: Told how many got it.

        Returns:
            How many get it, or are asked for.
        """
        targets = self._peers.find(to)
        handler = to.handler or {}
        name = json.dumps(self._codec.encode_value(handler, Dialect.NATIVE), sort_keys=True)
        if not targets:
            report_pushed(0)
            return 0
        if not to.is_each and name not in self._waiting:
            verdicts = [self._may_read_now(handler, delivery, one) for one in targets]
            if None not in verdicts:
                readers = [one for one, may in zip(targets, verdicts, strict=True) if may]
                for target in readers:
                    _deliver(target, delivery)
                delivery.forget_texts()
                report_pushed(len(readers))
                return len(readers)
        self._wait(name, _Push(delivery, to, [report_pushed]))
        return len(targets)

    def _may_read_now(self, handler: Filt, delivery: Delivery, target: Target) -> bool | None:
        return self._readers.may_read_now(handler, delivery.envelope.filt, target.peer)

    def _wait(self, name: str, push: _Push) -> None:
        delivery, to = push.delivery, push.to
        waiting = self._waiting.get(name)
        if waiting is None:
            waiting = self._waiting[name] = OrderedDict()
            self._home.keep(asyncio.get_running_loop().create_task(self._work(name, waiting)))
        same = delivery if delivery.coalesce is None else delivery.coalesce
        place = (same, to.uuid, to.name, None if to.user is None else str(to.user), to.is_each)
        superseded = waiting.pop(place, None)
        if superseded is not None:
            push.reports += superseded.reports
        waiting[place] = push

    async def _work(self, name: str, waiting: _Waiting) -> None:
        try:
            while waiting:
                _, push = waiting.popitem(last=False)
                targets = self._peers.find(push.to)
                count = 0
                for start in range(0, len(targets), AT_ONCE):
                    chunk = targets[start : start + AT_ONCE]
                    count += sum(
                        await asyncio.gather(*(self._push_one(one, push) for one in chunk))
                    )
                push.delivery.forget_texts()
                for report in push.reports:
                    report(count)
        finally:
            del self._waiting[name]

    async def _push_one(self, target: Target, push: _Push) -> bool:
        """Ask for one peer and deliver to it, as who it is when that is decided.

        Args:
            target: The peer.
            push: What is pushed, and to whom.
        """
        delivery, to = push.delivery, push.to
        handler, asked = to.handler or {}, delivery.envelope.filt
        envelopes: list[PayloadEnvelope] = []
        try:
            peer = None
            while peer is not target.peer:
                peer = target.peer
                if to.is_each:
                    envelopes = await self._readers.read(
                        handler, asked, peer, target.dialect or UNKNOWN_DIALECT
                    )
                elif await self._readers.may_read(handler, asked, peer):
                    envelopes = [delivery.envelope]
                else:
                    envelopes = []
        except Exception:
            logger.exception("A push could not be made for a peer")
            return False
        for envelope in envelopes:
            if target.is_moved:
                target.send(envelope)
            else:  # without a number: others may have been sent before it
                date = self._home.date()
                _deliver(target, Delivery(envelope, date, coalesce=delivery.coalesce))
        return bool(envelopes)


def _deliver(target: Target, delivery: Delivery) -> None:
    try:
        target.deliver(delivery)
    except Exception:
        logger.exception("A push could not be written for a peer")
