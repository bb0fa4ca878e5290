"""Updates for the readers of a handler: in order, superseded, and for who a peer is by then."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django_vortex.routing.address import Address
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.readers import Readers
from django_vortex.routing.request import Request
from django_vortex.server.delivery import Delivery
from django_vortex.server.reader_pushes import ReaderPushes
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload

FILT = {"key": "k"}
TO = Address(handler=FILT)
EACH = replace(TO, is_each=True)


class Gate(Permission):
    """Lets readers in, when it is opened."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.asked: list[Any] = []

    async def allows(self, request: Request, action: Action) -> bool:
        self.asked.append(request.user)
        await self.open.wait()
        return request.user == "reader"


class Target:
    def __init__(self, user: str) -> None:
        self.peer = Peer(f"uuid of {user}", "n", user=user)
        self.dialect = None
        self.is_moved = False
        self.got: list[Any] = []

    def deliver(self, delivery: Delivery) -> None:
        self.got.append(delivery.envelope.decode_payload(Codec()).tuples)

    def send(self, envelope: PayloadEnvelope) -> None:
        self.got.append(("sent", envelope.decode_payload(Codec()).tuples))


class Home:
    def __init__(self, *targets: Target) -> None:
        self.targets = list(targets)
        self.tasks: list[asyncio.Task[Any]] = []

    def find(self, to: Address) -> list[Target]:
        return [one for one in self.targets if to.matches(one.peer)]

    def date(self) -> int:
        return 0

    def keep(self, task: asyncio.Task[Any]) -> None:
        self.tasks.append(task)


class Bench:
    def __init__(self, *targets: Target, answer: Callable[[Request], Any] | None = None) -> None:
        self.payload_io = PayloadIO()
        self.gate = Gate()
        self.home = Home(*targets)
        self.pushes = ReaderPushes(
            self.home, self.home, Readers(self.payload_io), self.payload_io.codec
        )
        self.counts: list[int] = []

        async def handle(request: Request) -> Any:
            return [request.user] if answer is None else answer(request)

        self.endpoint = PayloadEndpoint(
            FILT, handle, permission=self.gate, payload_io=self.payload_io
        )

    def push(self, value: Any, to: Address = TO, *, coalesce: str | None = "k") -> int:
        payload = None if value is None else Payload(FILT, tuples=[value])
        delivery = Delivery(PayloadEnvelope(dict(FILT), payload), 0, "p", 1, coalesce)
        return self.pushes.push(delivery, to, self.counts.append)

    async def end(self) -> None:
        self.gate.open.set()
        await asyncio.gather(*self.home.tasks)


async def test_a_push_waits_for_the_permission_and_only_readers_get_it() -> None:
    reader, other = Target("reader"), Target("other")
    bench = Bench(reader, other)
    assert bench.push(1) == 2
    await asyncio.sleep(0)
    assert (reader.got, bench.counts) == ([], [])
    await bench.end()
    assert (reader.got, other.got, bench.counts) == ([[1]], [], [1])


async def test_a_newer_push_takes_the_place_of_one_that_waits() -> None:
    reader = Target("reader")
    bench = Bench(reader)
    bench.push(1)
    await asyncio.sleep(0)
    for value in (2, 3, 4):
        bench.push(value)
    await bench.end()
    assert reader.got == [[1], [4]]
    assert bench.counts == [1, 1, 1, 1]


async def test_what_supersedes_nothing_all_arrives_in_order() -> None:
    reader = Target("reader")
    bench = Bench(reader)
    for value in range(5):
        bench.push(value, coalesce=None)
    await bench.end()
    assert reader.got == [[0], [1], [2], [3], [4]]


async def test_a_push_at_once_does_not_overtake_one_that_waits() -> None:
    reader = Target("reader")
    bench = Bench(reader)
    bench.push(1)
    bench.endpoint.permission = Permission()
    bench.push(2, Address(name="n", handler=FILT))
    assert reader.got == []
    await bench.end()
    assert reader.got == [[1], [2]]
    bench.push(3)
    assert reader.got == [[1], [2], [3]]


async def test_a_peer_that_becomes_somebody_else_is_asked_for_again() -> None:
    target = Target("reader")
    bench = Bench(target)
    bench.push(1)
    await asyncio.sleep(0.01)
    target.peer = replace(target.peer, user="other")
    await bench.end()
    assert bench.gate.asked == ["reader", "other"]
    assert (target.got, bench.counts) == ([], [0])


async def test_what_is_built_for_a_peer_follows_it_to_another_process() -> None:
    target = Target("reader")
    bench = Bench(target)
    bench.push(None, EACH)
    await asyncio.sleep(0.01)
    target.is_moved = True
    await bench.end()
    assert target.got == [("sent", ["reader"])]


async def test_a_peer_whose_update_cannot_be_built_gets_none_and_others_do() -> None:
    def answer(request: Request) -> Any:
        if request.peer.uuid == "broken":
            raise KeyError("data")
        return ["fine"]

    broken, fine = Target("reader"), Target("reader")
    broken.peer = replace(broken.peer, uuid="broken")
    bench = Bench(broken, fine, answer=answer)
    bench.push(None, EACH)
    await bench.end()
    assert (broken.got, fine.got, bench.counts) == ([], [["fine"]], [1])


async def test_nobody_is_asked_where_nobody_is_meant() -> None:
    bench = Bench()
    assert bench.push(1) == 0
    assert (bench.counts, bench.home.tasks) == ([0], [])


async def test_readers_that_had_to_be_asked_for_share_one_envelope() -> None:
    readers = [Target("reader"), Target("reader")]
    shared: list[Delivery] = []
    for reader in readers:
        reader.deliver = shared.append  # type: ignore[method-assign]
    bench = Bench(*readers)
    bench.push(1)
    await asyncio.sleep(0)
    await bench.end()
    assert len(shared) == 2
    assert shared[0].envelope is shared[1].envelope
    assert (shared[0].source, shared[0].sequence, shared[0].coalesce) == (None, 0, "k")
