"""Play scenarios with a client, and check what every client promises: `play`, `Promises`.

Takes a `Scenario`, a `Stage` and what makes the client's `Actor`; a fault is an `AssertionError`.
"""

import asyncio
import random
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, get_args

from tests.conformance.loader import Combination, Scenario, Step
from tests.conformance.stage import Scene, Stage, Way
from tests.support.tcp_proxy import Place, Trap
from tests.support.tcp_proxy import Way as Direction
from tests.support.waiting import eventually

AT_ONCE: Final = 12
"""So many plays of one scenario go on beside each other, each with a cut elsewhere."""


@dataclass
class Account:
    """What a client has got.

    Attributes:
        answered: How often each call was.
        unknown: Labels of calls and messages of which it said that nobody knows their fate.
        failed: Other errors of calls.
        may_repeat: Labels of calls that may run twice.
        sent: Labels of messages that nobody answers.
        pushed: The numbers that came, by source.
        latest: The numbers that came, by topic.
        lost: How often it said that its session was lost.
        rows: The titles of what it watches, None where it watches nothing.
        is_refused: Whether it has ended because the server does not let it in.
    """

    answered: Counter[str] = field(default_factory=Counter)
    unknown: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    may_repeat: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    pushed: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    latest: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    lost: int = 0
    rows: list[str] | None = None
    is_refused: bool = False

    @property
    def may_lack(self) -> bool:
        """Whether pushes may be missing, and it is known that they may."""
        return self.lost > 0 or self.is_refused


class Actor(Protocol):
    """One client in one play."""

    account: Account

    async def do(self, step: Step) -> None:
        """Do a step."""

    async def come_to_rest(self) -> None:
        """Wait until all calls have ended and all that was sent has arrived."""

    async def leave(self) -> None:
        """End."""


MakeActor = Callable[[Scenario, Combination, str, Way], Actor]
"""Makes a client: of a scenario, over a transport, for a run, on a way."""


async def play(
    scenario: Scenario, stage: Stage, combination: Combination, make_actor: MakeActor
) -> None:
    """Play a scenario, once or with every cut that there can be."""
    if not scenario.cuts:
        await play_once(scenario, stage, combination, make_actor, None)
        return
    counts = await play_once(scenario, stage, combination, make_actor, None)
    traps = [
        Trap(way, unit, place, scenario.lose_seconds)
        for way in get_args(Direction)
        for unit in range(counts[way])
        for place in get_args(Place)
    ]
    print(f"{dict(counts)} units, {len(traps)} cuts")
    assert len(traps) >= 30, f"only {counts} passed"
    random.shuffle(traps)  # those that need long wait beside others
    gate, faults = asyncio.Semaphore(AT_ONCE), []

    async def play_one(trap: Trap) -> None:
        async with gate:
            try:
                await play_once(scenario, stage, combination, make_actor, trap)
            except Exception as error:
                faults.append(f"{trap.place} unit {trap.unit} {trap.way}: {error!r}")

    await asyncio.gather(*map(play_one, traps))
    assert not faults, f"{len(faults)} of {len(traps)} cuts:\n" + "\n".join(faults)


async def play_once(
    scenario: Scenario,
    stage: Stage,
    combination: Combination,
    make_actor: MakeActor,
    trap: Trap | None,
) -> Counter[Direction]:
    """Play a scenario, and return how many units have passed each way of the first client."""
    run = f"{scenario.name[:20]}-{secrets.token_hex(6)}"
    actors: dict[str, Actor] = {}
    async with Scene(stage, run) as scene, AsyncExitStack() as stack:
        way = await scene.open_way("a")
        way.proxy.trap = trap
        for number, step in enumerate(scenario.steps):
            try:
                if scene.can(step["do"]):
                    await scene.do(step)
                    continue
                name = step.get("client", "a")
                if name not in actors:
                    way = await scene.open_way(name)
                    actor = actors[name] = make_actor(scenario, combination, run, way)
                    stack.push_async_callback(actor.leave)
                if step["do"] == "expect_pushes":
                    await Promises(scenario, scene, actors[name].account).wait_for_pushes()
                else:
                    await actors[name].do(step)
            except Exception as error:
                raise AssertionError(f"step {number} {dict(step)}: {error!r}") from error
        proxy = scene.ways["a"].proxy
        if trap is not None and proxy.trap is trap:  # less has passed than without a cut
            proxy.trap = None
            proxy.cut()
        await scene.come_to_rest()
        for actor in actors.values():
            await actor.come_to_rest()
            await Promises(scenario, scene, actor.account).check()
        return proxy.units


class Promises:
    """What every client has to keep, whatever happens to its connections.

    Args:
        scenario: What was played.
        scene: What has happened.
        account: What the client has got.
    """

    def __init__(self, scenario: Scenario, scene: Scene, account: Account) -> None:
        self._scenario = scenario
        self._scene = scene
        self._account = account

    async def wait_for_pushes(self) -> None:
        """Wait until all has come that was pushed, or the client says that it may not."""
        account = self._account
        await eventually(lambda: account.may_lack or not self._find_missing(), "all pushes")

    async def check(self) -> None:
        """Wait until all has come that has to, and fail where something is not as promised."""
        account = self._account
        await self.wait_for_pushes()
        if account.rows is not None and not account.is_refused:
            await eventually(self._is_fresh, "watched rows that are equal to a fresh query")
        await asyncio.sleep(0.1)  # for what comes twice
        ran = await self._scene.find_ran()
        faults = [*self._find_missing(), *self._find_disorder(), *self._find_runs(ran)]
        if self._scenario.loses:
            is_lost = account.may_lack or account.unknown or account.failed
            assert is_lost or self._scenario.loses == "maybe", "Nothing was lost"
            if account.may_lack:
                faults = [fault for fault in faults if not fault.startswith("missing")]
        else:
            faults += [f"{label}: fate unknown" for label in account.unknown]
            faults += ["the session was lost"] * account.lost
        assert not faults, "; ".join(faults)

    async def _is_fresh(self) -> bool:
        fresh = await self._scene.ask("rows", prefix=self._scene.run)
        return bool(self._account.rows == fresh["titles"])

    def _find_missing(self) -> list[str]:
        """Return which pushes have not come."""
        account, scene = self._account, self._scene
        missing = {
            source: sorted(set(range(count)) - set(account.pushed[source]))
            for source, count in scene.pushed.items()
            if source != "topics"
        }
        found = [f"missing of {source}: {some[:9]}" for source, some in missing.items() if some]
        for topic, last in scene.latest.items():
            if account.latest[topic][-1:] != [last]:
                found.append(f"missing of topic {topic}: {last}")
        return found

    def _find_disorder(self) -> list[str]:
        """Return what has come twice, or too late."""
        account = self._account
        streams: dict[Any, list[int]] = {**account.pushed, **account.latest}
        return [
            f"disorder of {source}: {numbers}"
            for source, numbers in streams.items()
            if numbers != sorted(set(numbers))
        ]

    def _find_runs(self, ran: Counter[str]) -> list[str]:
        """Return what has not run once, or has not been answered once."""
        account, faults = self._account, []
        calls = account.answered.keys() | account.failed.keys()
        for label in calls | account.sent | account.unknown:
            count, is_known = ran[label], label not in account.unknown
            if label in account.failed:
                continue  # a step says which error it has to be
            if count > 1 and label not in account.may_repeat:
                faults.append(f"{label} ran {count} times")
            if count < 1 and is_known:
                faults.append(f"{label} did not run")
            if label not in account.sent and is_known and account.answered[label] != 1:
                faults.append(f"{label} was answered {account.answered[label]} times")
        return faults
