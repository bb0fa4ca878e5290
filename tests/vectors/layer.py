"""What two processes say to each other over the channel layer, step by step, and its recording.

Takes the steps of a conversation between the processes A and B, which needs every kind of record;
gives the records of each step as JSON can hold them. ``python -m tests.vectors.layer FILE`` writes
those of the present code, which is done once for each version: see ``wire/versions.py``.
"""

import asyncio
import base64
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from django_vortex.routing.address import Address
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.server.fan_out import Record
from django_vortex.server.identity import Identity
from django_vortex.server.logins import Aim, Change
from django_vortex.server.server import Server
from django_vortex.wire.dialects import Dialect
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from django_vortex.wire.reserved import CANCEL_KEY, CANCELLED_ID, MESSAGE_ID
from django_vortex.wire.versions import VERSION
from tests.unit.server.fakes import (
    ADDRESS,
    Bus,
    FakeClock,
    FakeFanOut,
    FakeStream,
    make_server,
    message,
    note,
    open_peer,
    receive_body,
    serve,
    settle,
)

VECTORS = Path(__file__).parent
ANN, BOB = Identity("user", "7", ADDRESS), Identity("user", "8", ADDRESS)


class Notes:
    """A part that follows peers, and hears from other processes."""

    name = "notes"

    def __init__(self) -> None:
        self.heard: list[str] = []

    def receive_news(self, text: str) -> None:
        self.heard.append(text)

    def recover(self) -> None:
        self.heard.append("recover")

    def forget_peer(self, uuid: str) -> None:
        self.heard.append(f"{uuid} is gone")

    def give_peer(self, uuid: str) -> list[str]:
        return [f"kept for {uuid}"]

    def take_peer(self, peer: Any, text: str) -> None:
        self.heard.append(f"{peer.uuid} has {text}")


async def _list(request: Any) -> list[str]:
    return ["the list"]


async def _wait(request: Any) -> None:
    await asyncio.Event().wait()


class Process:
    """One of the two, with the peers that have been with it."""

    def __init__(self, bus: Bus, clock: FakeClock, name: str) -> None:
        self.name = name
        self.clock = clock
        self.payload_io = PayloadIO()
        self.notes = Notes()
        self.endpoints = [
            serve(self.payload_io, "test.list", _list),
            serve(self.payload_io, "test.wait", _wait),
        ]
        self.fan_out = FakeFanOut(bus, name)
        self.server: Server = make_server(
            clock, fan_out=self.fan_out, payload_io=self.payload_io, hold_seconds=60
        )
        self.server.followers.add(self.notes)
        self.streams: dict[str, FakeStream] = {}

    async def open(self, label: str, stream: FakeStream, uuid: str, **who: Any) -> None:
        self.streams[label] = stream
        await open_peer(self.server, stream, uuid, **who)


@dataclass(frozen=True)
class Step:
    """Something that one process does, and what the two then say."""

    label: str
    actor: str
    do: Callable[[Process], Awaitable[None]]
    seconds: float = 0.0
    """What has passed since the step before; a moment passes after such a step as well."""
    since: int = 1
    """The first version in which anything is said in it."""


@dataclass
class Said:
    """The records of one step, by process."""

    label: str
    records: dict[str, list[Record]] = field(default_factory=lambda: {"A": [], "B": []})


async def _open_slow_ann(process: Process) -> None:
    await process.open("ann", FakeStream(framed=True, slot=2), "ann", identity=ANN)


async def _open_bob(process: Process) -> None:
    native = {"identity": BOB, "dialect": Dialect.NATIVE, "name": "desk"}
    await process.open("bob", FakeStream(), "bob", **native)


async def _push(process: Process) -> None:
    push = process.server.push
    for i in range(4):
        push(note("to all", i))
    push(note(Decimal("1.50"), {1: "one"}, key="test.own"))
    push(note("first"), coalesce=True)
    push(note("second"), coalesce=True)
    push(note("named"), Address(name="desk"))
    push(note("to a user"), Address(user=8))
    push(note("to somebody"), Address(uuid="bob"))
    push(PayloadEnvelope({"key": "test.bare", "": None}, result={"error": "x"}))
    push(PayloadEnvelope({"key": "test.asked"}, Payload(), reply_filt={"key": "test.other"}))


async def _push_to_readers(process: Process) -> None:
    handler = {"key": "test.list"}
    process.server.push(note("for readers", key="test.list"), Address(handler=handler))
    process.server.push(PayloadEnvelope(handler), Address("bob", handler=handler, is_each=True))


async def _tell(process: Process) -> None:
    process.server.followers.tell("notes", "news")
    process.server.followers.tell("notes", "of bob", "bob")


async def _push_unnumbered(process: Process) -> None:
    process.server.peers.by_uuid["ann"].send(note("a reply"))


async def _take_over_ann(process: Process) -> None:
    # A has not heard of this yet, and so waits before it gives the peer away.
    process.fan_out.receive("C", 1, {"kind": "leave"})  # type: ignore[misc]
    await process.open("ann again", FakeStream(framed=True), "ann", identity=ANN)


async def _ask(process: Process) -> None:
    body = message(note(key="test.wait", **{MESSAGE_ID: "1"}), Dialect.D2, framed=True)
    receive_body(process.server.peers.by_uuid["ann"], body)


async def _take_back(process: Process) -> None:
    filt = {"key": CANCEL_KEY, CANCELLED_ID: "1"}
    body = message(PayloadEnvelope(filt), Dialect.D2, framed=True)
    receive_body(process.server.peers.by_uuid["ann"], body)


async def _be_refused(process: Process) -> None:
    await process.open("thief", FakeStream(), "bob", identity=ANN)


async def _change_logins(process: Process) -> None:
    process.server.logins.spread(Change("9", "key"))
    process.server.logins.spread(Change("9", "key", "begun"))
    process.server.logins.disconnect(Aim(user="8"))


async def _leave(process: Process) -> None:
    await process.server.stop(0)


STEPS = (
    Step("ann comes to A, and reads slowly", "A", _open_slow_ann),
    Step("A answers ann", "A", _push_unnumbered),
    Step("bob comes to B, in our own dialect", "B", _open_bob),
    Step("A pushes", "A", _push),
    Step("B pushes", "B", _push),
    Step("A pushes to readers", "A", _push_to_readers),
    Step("A tells", "A", _tell),
    Step("ann asks A for what takes long", "A", _ask, since=2),
    Step("ann goes to B", "B", _take_over_ann, 6),
    Step("ann takes back at B what she asked A for", "B", _take_back, since=2),
    Step("somebody else asks A for bob", "A", _be_refused, 6),
    Step("A tells of logins", "A", _change_logins),
    Step("A leaves", "A", _leave),
)


async def _start(process: Process) -> None:
    await process.server.start()


def steps_of(version: int) -> list[Step]:
    """Return the steps that there are in a version."""
    return [step for step in STEPS if step.since <= version]


STEPS = (Step("A starts", "A", _start), Step("B starts", "B", _start), *STEPS)


class Conversation:
    """The steps, taken by both processes or by one of them.

    Args:
        played: By step what the other process said in a recording; None if both are real.
        names: The real processes.
        version: Whose steps are taken.
    """

    def __init__(
        self, names: str = "AB", played: list[Said] | None = None, *, version: int = VERSION
    ) -> None:
        self._bus = Bus()
        self._clock = FakeClock()
        self._played = played
        self._steps = steps_of(version)
        self.processes = {name: Process(self._bus, self._clock, name) for name in names}
        self._sequences: dict[str, int] = {}

    async def hold(self) -> list[Said]:
        """Take all steps and return what the real processes have said."""
        said = []
        for index, step in enumerate(self._steps):
            before = {name: len(one.fan_out.published) for name, one in self.processes.items()}
            self._clock.seconds += step.seconds
            if step.actor in self.processes:
                await step.do(self.processes[step.actor])
            if self._played is not None:
                self._play(self._played[index])
            await self._let_happen()
            if step.seconds:
                await self._wait()
            records = {
                name: one.fan_out.published[before[name] :] for name, one in self.processes.items()
            }
            said.append(Said(step.label, records))
        for process in self.processes.values():
            await process.server.stop(0)
        return said

    def _play(self, said: Said) -> None:
        for source, records in said.records.items():
            if source in self.processes:
                continue
            for record in records:
                sequence = self._sequences[source] = self._sequences.get(source, 0) + 1
                for process in self.processes.values():
                    if process.fan_out.receive is not None:
                        process.fan_out.receive(source, sequence, record)

    async def _wait(self) -> None:
        self._clock.seconds += 1.5
        for process in self.processes.values():
            process.server.tick()
        await self._let_happen()

    async def _let_happen(self) -> None:
        await settle(200)
        self._bus.carry_all()
        await settle(200)


def to_json(value: Any) -> Any:
    """Return a record as JSON can hold it."""
    if isinstance(value, bytes):
        return {"__bytes__": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    return [to_json(item) for item in value] if isinstance(value, list) else value


def from_json(value: Any) -> Any:
    """Return the record that `to_json` wrote."""
    if isinstance(value, dict):
        if value.keys() == {"__bytes__"}:
            return base64.b64decode(value["__bytes__"])
        return {key: from_json(item) for key, item in value.items()}
    return [from_json(item) for item in value] if isinstance(value, list) else value


def load(version: int) -> list[Said]:
    """Return the recorded conversation of a version."""
    steps = json.loads((VECTORS / f"layer-version-{version}.json").read_text())
    return [Said(one["step"], from_json(one["records"])) for one in steps]


async def _hold() -> list[Said]:
    return await Conversation().hold()


def main() -> None:
    """Write the conversation of the present code."""
    said = asyncio.run(_hold())
    steps = [{"step": one.label, "records": to_json(one.records)} for one in said]
    Path(sys.argv[1]).write_text(json.dumps(steps, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
