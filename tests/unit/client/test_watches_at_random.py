"""Watches of a client whose server, connection and application do anything in any order."""

import asyncio
from collections import deque
from random import Random
from typing import Any

import pytest

from django_vortex import Payload, PayloadEnvelope
from django_vortex.client.watch import Watch
from django_vortex.live.answers import Answer, make_answer
from tests.support.virtual_time import run_in_virtual_time
from tests.unit.client.test_watches import Bench

KEYS = "abc"
FILTS = [{"key": key, **more} for key in KEYS for more in ({}, {"default": 1}, {"n": 2})]


class World(Bench):
    """A client and a server that watches for it; what is on its way may be lost.

    The server takes a filt with ``default`` for the one without.
    """

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.random = random
        self.rows: dict[str, list[int]] = {key: [] for key in KEYS}
        self.answers: dict[str, Answer] = {}
        self.subscribed: dict[str, str | None] = {}
        """By name, the tag of what the client has, as far as the server knows."""
        self.to_show: dict[str, None] = {}
        self.on_the_way: deque[PayloadEnvelope] = deque()
        self.readers: list[tuple[dict[str, Any], Watch]] = []
        self.is_connected = False

    def name(self, filt: dict[str, Any]) -> str:
        return super().name({name: one for name, one in filt.items() if name != "default"})

    def key_of(self, name: str) -> str:
        return name[len('{"key": "')]

    # What may happen

    def change(self) -> None:
        key = self.random.choice(KEYS)
        rows = self.rows[key]
        for _ in range(self.random.randint(1, 3)):
            kind = self.random.randrange(3)
            if kind == 0 or len(rows) < 6:
                rows.insert(self.random.randint(0, len(rows)), self.random.randint(0, 99))
            elif kind == 1:
                rows.pop(self.random.randrange(len(rows)))
            else:
                rows.append(rows.pop(self.random.randrange(len(rows))))
        for name in self.subscribed:
            if self.key_of(name) == key:
                self.to_show[name] = None

    def open(self) -> None:
        filt = dict(self.random.choice(FILTS))
        self.readers.append((filt, self.watches.open(filt)))

    def close(self) -> None:
        if self.readers:
            self.readers.pop(self.random.randrange(len(self.readers)))[1].close()

    def serve(self) -> None:
        """Take what the client has sent."""
        for envelope in self.take():
            key = envelope.filt["key"]
            tuples = self.tuples(envelope)
            if key == "vortex.unwatch":
                for name in tuples:
                    self.subscribed.pop(name, None)
                    self.to_show.pop(name, None)
            elif key == "vortex.watch":
                self.serve_watches(envelope, tuples)

    def serve_watches(self, envelope: PayloadEnvelope, tuples: list[Any]) -> None:
        told: list[dict[str, Any]] = []
        names = []
        for one in tuples:
            if self.random.random() < 0.1:
                told.append({"error": {"error": "busy", "text": "Later"}})
                continue
            names.append(self.name(one["filt"]))
            told.append({"watch": names[-1]})
            self.subscribed[names[-1]] = one["tag"]
            self.to_show[names[-1]] = None
        reply = PayloadEnvelope(envelope.filt, Payload(envelope.filt, told))
        if self.random.random() < 0.3:  # what is watched may be shown before
            self.show_all()
        self.on_the_way.append(reply)

    def show(self) -> None:
        """Write the newest answer of a watch, from what the client has."""
        if not self.to_show:
            return
        name = self.random.choice(list(self.to_show))
        del self.to_show[name]
        answer = self.get_answer(self.key_of(name))
        self.on_the_way.append(answer.make_envelope(name, "p:1", self.subscribed[name]))
        self.subscribed[name] = answer.tag

    def show_all(self) -> None:
        while self.to_show:
            self.show()

    def get_answer(self, key: str) -> Answer:
        former = self.answers.get(key)
        self.answers[key] = make_answer(list(self.rows[key]), False, self.codec, former)
        return self.answers[key]

    def deliver(self) -> None:
        if self.is_connected and self.on_the_way:
            self.receive(self.on_the_way.popleft())

    def break_off(self) -> None:
        """Lose what is on its way; the server may know its peer again or not."""
        if not self.is_connected:
            return
        self.is_connected = False
        self.cut()
        self.on_the_way.clear()
        if self.random.random() < 0.5:
            self.subscribed.clear()
            self.to_show.clear()
        for name in self.subscribed:
            self.subscribed[name] = None
            self.to_show[name] = None

    def come_back(self) -> None:
        if not self.is_connected:
            self.is_connected = True
            self.connect()

    async def run(self, steps: int) -> None:
        kinds = [
            *[self.change] * 4,
            *[self.open] * 2,
            self.close,
            *[self.serve] * 3,
            *[self.show] * 3,
            *[self.deliver] * 6,
            self.break_off,
            *[self.come_back] * 2,
        ]
        for _ in range(steps):
            self.random.choice(kinds)()
            if self.random.random() < 0.5:
                await asyncio.sleep(self.random.choice((0, 0, 0.5, 3)))
        await self.settle()

    async def settle(self) -> None:
        """Let everything come to an end with a good connection."""
        self.come_back()
        for _ in range(100):
            await asyncio.sleep(1)
            self.serve()
            self.show_all()
            while self.on_the_way:
                self.deliver()

    def check(self) -> None:
        for filt, watch in self.readers:
            subscribed: Any = watch._subscribed.newest
            assert watch.error is None, filt
            snapshot = newest(watch)
            assert snapshot is not None, filt
            assert list(snapshot.rows) == self.rows[filt["key"]], filt
            assert watch.is_current, filt
            assert subscribed.watched.tag == self.get_answer(filt["key"]).tag
        assert set(self.subscribed) == {self.name(filt) for filt, _ in self.readers}


def newest(watch: Watch) -> Any:
    """Return what the reader would see next, or has seen."""
    items = watch._waiting.items
    return items[-1] if items else watch._seen


RUNS = [*((seed, 60) for seed in range(120)), (1872, 150)]


@pytest.mark.parametrize(("seed", "steps"), RUNS)
def test_in_the_end_all_readers_have_the_newest_and_the_server_watches_nothing_else(
    seed: int, steps: int
) -> None:
    async def run() -> None:
        world = World(Random(seed))
        await world.run(steps)
        world.check()

    run_in_virtual_time(run())
