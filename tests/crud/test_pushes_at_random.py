"""Whatever happens in which order: the newest comes last, and nothing older behind something newer.

Only a peer that goes to another process while it is answered may get something older in between.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from django_vortex.transports.threads import BlockingPool
from tests.crud.asking import Asker
from tests.crud.boards import ANN, BOB, STAFF, TICKET, Place, User, open_place, ticket
from tests.crud.fixtures import FindDatabase
from tests.crud.projects import Process, Project, open_project
from tests.support.waiting import eventually

STEPS = 60
ASKED = [{**TICKET, "id": 1}, {**TICKET, "id": 2}, {**TICKET, "order": "-id"}]


@pytest.fixture
def place(find_database: FindDatabase) -> Iterator[Place]:
    """One store is enough for what happens between processes."""
    with open_place("sqlalchemy-sqlite", find_database) as place:
        yield place


@pytest.fixture
async def project(place: Place, pool: BlockingPool) -> AsyncIterator[Project]:
    async with open_project(place, pool) as project:
        project.a.board.add_tickets("0", "0")
        project.serve(retrieve_all=True, ordering=["id"])
        yield project


class Wanderer:
    """A peer that asks now and then, may go from process to process, and notes all it got."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.stack = AsyncExitStack()
        self.ends: list[Asker] = []
        self.asked: list[dict[str, Any]] = []
        self.states: dict[str, list[list[int]]] = {}

    async def go(self, process: Process) -> None:
        self.look()
        self.ends.append(await self.stack.enter_async_context(process.connected(self.user)))

    def ask(self, filt: dict[str, Any]) -> None:
        end = self.ends[-1]
        end.peer._get_connection().receive(end._write(filt, None))
        if filt not in self.asked:
            self.asked.append(filt)

    def look(self) -> None:
        """Note what came."""
        for end in self.ends:
            for reply in end.take():
                assert reply.is_success, reply
                numbers = [int(row["title"]) for row in reply.tuples]
                self.states.setdefault(repr(reply.filt), []).append(numbers)


class Saver:
    """Writes greater and greater numbers into the rows, through either process."""

    def __init__(self, ends: list[Asker]) -> None:
        self._ends = ends
        self._lock = asyncio.Lock()
        self._saving: list[asyncio.Future[None]] = []

    def save(self, end: int, row: int) -> None:
        self._saving.append(asyncio.ensure_future(self._save(self._ends[end], row)))

    async def finish(self) -> None:
        for saving in self._saving:
            await saving

    async def _save(self, end: Asker, row: int) -> None:
        number = str(len(self._saving))
        async with self._lock:
            reply = await end.save({**TICKET, "limit": 1}, [ticket(id=row, title=number)])
            assert reply.result is True


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("is_wandering", [False, True], ids=["staying", "wandering"])
async def test_the_newest_comes_last(project: Project, is_wandering: bool, seed: int) -> None:
    chance = random.Random(seed)
    processes = [project.a, project.b]
    wanderers = [Wanderer(ANN), Wanderer(BOB)]
    async with AsyncExitStack() as stack:
        ends = [
            await stack.enter_async_context(process.connected(STAFF, process.server.process))
            for process in processes
        ]
        saver = Saver(ends)
        for wanderer in wanderers:
            await stack.enter_async_context(wanderer.stack)
            await wanderer.go(chance.choice(processes))
        project.carry()
        for _ in range(STEPS):
            wanderer = chance.choice(wanderers)
            match chance.choice(["ask", "save", "save", "go", "carry", "carry", "turn", "turn"]):
                case "ask":
                    wanderer.ask(chance.choice(ASKED))
                case "save":
                    saver.save(chance.choice([0, 1]), chance.choice([1, 2]))
                case "go" if is_wandering:
                    project.clock.seconds += chance.choice([0.01, 0.5])
                    await wanderer.go(chance.choice(processes))
                case "carry":
                    for _ in range(chance.randrange(6)):
                        if links := project.bus.busy_links:
                            project.bus.carry(chance.choice(links))
                case "turn":
                    for _ in range(chance.randrange(200)):
                        await asyncio.sleep(0)
        await saver.finish()
        first, second = (int(row["title"]) for row in project.a.board.database.rows())
        newest = {
            repr(ASKED[0]): [first],
            repr(ASKED[1]): [second],
            repr(ASKED[2]): [second, first],
        }

        def have_newest() -> bool:
            project.carry()
            for wanderer in wanderers:
                wanderer.look()
            return all(
                wanderer.states.get(repr(filt), [[]])[-1] == newest[repr(filt)]
                for wanderer in wanderers
                for filt in wanderer.asked
            )

        await eventually(have_newest, "everybody to have the newest")
        for wanderer in wanderers if not is_wandering else ():
            for states in wanderer.states.values():
                for row in zip(*states, strict=True):
                    assert list(row) == sorted(row)
