"""The Python client in a play: `PythonActor`.

Takes the verbs of the client, which `tests.conformance.loader` lists, gives an `Account`.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

from django_vortex.client import (
    Client,
    ClientError,
    Event,
    FateUnknown,
    Lost,
    Offline,
    Online,
    Payload,
    RefusedForGood,
    connect,
    connecting,
    driver,
)
from django_vortex.client.backoff import Backoff
from django_vortex.exceptions import VortexError
from tests.conformance.loader import LATEST, NOTED, PUSHED, ROWS, Combination, Scenario, Step
from tests.conformance.player import Account
from tests.conformance.stage import Way
from tests.support.waiting import PATIENCE_SECONDS, eventually

FEATURES: Final = frozenset({"drain", "short_answers"})
"""What scenarios need and this client has; see ``feature`` in `tests.conformance.loader`."""

EVENTS: Final[dict[str, type[Event]]] = {
    "online": Online,
    "offline": Offline,
    "lost": Lost,
    "refused": RefusedForGood,
}

SHORTENING: Final = 20
"""Waits before attempts are so many times shorter; else most of the time would go by with them."""


@contextmanager
def waiting(scenario: Scenario) -> Iterator[None]:
    """Let clients that are made meanwhile wait as long as a scenario says."""
    constants: dict[str, list[tuple[Any, str, Callable[[float], Any]]]] = {
        "attempt": [(driver, "ATTEMPT_SECONDS", float), (driver, "MAX_ATTEMPT_SECONDS", float)],
        "info": [(driver, "INFO_SECONDS", float)],
        "silent": [(connecting, "SILENT_SECONDS", float)],
        "return": [(driver, "RETURN_SECONDS", lambda seconds: (seconds,))],
    }
    patches = [
        patch.object(module, name, read(seconds))
        for key, seconds in scenario.waits.items()
        for module, name, read in constants[key]
    ]
    for one in patches:
        one.start()
    yield
    for one in patches:
        one.stop()


class PythonActor:
    """One client in one play; made by `PythonActor` as `player.MakeActor`.

    Attributes:
        account: What it has got.
    """

    def __init__(self, scenario: Scenario, combination: Combination, run: str, way: Way) -> None:
        self.account = Account()
        self._transport = combination.transport
        self._run = run
        self._way = way
        self._stack = AsyncExitStack()
        self._client: Client
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._readers: list[asyncio.Task[None]] = []
        self._events: list[Event] = []
        self._seen: dict[str, int] = dict.fromkeys(EVENTS, 0)
        self._watch: Any = None
        self._is_closed = False

    async def do(self, step: Step) -> None:
        """Do a step."""
        arguments = {key: value for key, value in step.items() if key not in ("do", "client")}
        await getattr(self, f"do_{step['do']}")(**arguments)

    async def come_to_rest(self) -> None:
        """Wait until all calls have ended and all that was sent has arrived."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*self._calls.values())
        if not self._is_closed and not self.account.is_refused:
            await self._client.flush(PATIENCE_SECONDS)

    async def leave(self) -> None:
        """End."""
        for task in (*self._readers, *self._calls.values()):
            task.cancel()
        await asyncio.gather(*self._readers, *self._calls.values(), return_exceptions=True)
        await self._stack.aclose()

    async def do_connect(self, transports: list[str] | None = None, *, online: bool = True) -> None:
        way = self._way
        self._client = await self._stack.enter_async_context(
            connect(
                way.proxy.url,
                name=self._run,
                transports=transports or [self._transport],
                headers=way.headers,
                cookies=way.cookies,
                token=(lambda: way.tokens[-1]) if way.tokens else None,
                open_timeout=0,
            )
        )
        self._client._driver._backoff = Backoff(lambda: random.random() / SHORTENING)
        for read in (self._read_pushes, self._read_latest, self._read_events):
            self._readers.append(asyncio.create_task(read()))
        await asyncio.sleep(0)  # they read from now on
        if online:
            await self._client.wait_online(PATIENCE_SECONDS)

    async def do_call(self, times: int = 1, pause: float = 0.0, **more: Any) -> None:
        label = more.pop("as")
        for number in range(times):
            name = label if times == 1 else f"{label}.{number}"
            assert name not in self._calls, f"{name} is called twice"
            self._calls[name] = asyncio.create_task(self._call(name, **more))
            await asyncio.sleep(pause)

    async def do_send(self, times: int = 1, pause: float = 0.0, **more: str) -> None:
        for number in range(times):
            label = more["as"] if times == 1 else f"{more['as']}.{number}"
            filt = {"key": NOTED, "run": self._run, "label": label}
            await self._client.send(Payload(filt))
            self.account.sent.add(label)
            await asyncio.sleep(pause)

    async def do_watch(self) -> None:
        self._watch = self._client.watch(ROWS, prefix=self._run)
        self.account.rows = []
        self._readers.append(asyncio.create_task(self._read_rows()))

    async def do_expect(self, call: str, fate: str) -> None:
        names = [name for name in self._calls if name == call or name.startswith(f"{call}.")]
        assert names, f"{call} was not called"
        for name in names:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._calls[name]
            account = self.account
            is_unknown = name in account.unknown
            became = "unknown" if is_unknown else account.failed.get(name, "answered")
            is_any = fate == "any" and became in ("answered", "unknown")
            assert became == fate or is_any, f"{name} is {became}, not {fate}"

    async def do_expect_event(self, event: str, **attributes: object) -> None:
        kind = EVENTS[event]

        def find() -> list[Event]:
            return [one for one in self._events if isinstance(one, kind)][self._seen[event] :]

        found, *_ = await eventually(find, f"an event {event}, of {self._events}")
        self._seen[event] += 1
        for name, value in attributes.items():
            assert getattr(found, name) == value, f"{found} has not {name} {value!r}"

    async def do_expect_no_event(self, event: str) -> None:
        found = [one for one in self._events if isinstance(one, EVENTS[event])]
        assert not found[self._seen[event] :], f"{found}"

    async def do_expect_rows(self) -> None:
        async def is_fresh() -> bool:
            reply = await self._client.call(ROWS, prefix=self._run, timeout=None)
            return self.account.rows == [one.title for one in reply.tuples]

        await eventually(is_fresh, "watched rows that are equal to a fresh query")

    async def do_flush(self) -> None:
        await self._client.flush(PATIENCE_SECONDS)

    async def do_renew(self) -> None:
        await self._client.renew(PATIENCE_SECONDS)

    async def do_close(self) -> None:
        await self._client.leave()
        self._is_closed = True

    async def _call(
        self, label: str, *, seconds: float = 0.0, size: int = 0, again: bool = False
    ) -> None:
        account = self.account
        if again:
            account.may_repeat.add(label)
        filt = {"key": NOTED, "run": self._run, "label": label}
        more = {"seconds": seconds, "size": size}
        try:
            reply = await self._client.call(
                {**filt, **more}, tuples=[label], timeout=None, again=again
            )
            assert reply.tuples[0] == label
            account.answered[label] += 1
        except FateUnknown:
            account.unknown.add(label)
        except (VortexError, AssertionError) as error:
            account.failed[label] = type(error).__name__

    async def _read_pushes(self) -> None:
        async with self._client.on(PUSHED) as pushes:
            async for push in pushes:
                self.account.pushed[push.filt["source"]].append(push.tuples[0])

    async def _read_latest(self) -> None:
        async with self._client.on(LATEST) as pushes:
            async for push in pushes:
                self.account.latest[push.filt["topic"]].append(push.tuples[0])

    async def _read_events(self) -> None:
        async with self._client.events() as events:
            async for event in events:
                self._events.append(event)
                if isinstance(event, RefusedForGood):
                    self.account.is_refused = True
                if isinstance(event, Lost):
                    self.account.lost += event.pushes
                    self.account.unknown |= {filt["label"] for filt in event.sent}

    async def _read_rows(self) -> None:
        try:
            async for rows in self._watch:
                self.account.rows = [one.title for one in rows]
        except ClientError:
            return  # the client has ended
