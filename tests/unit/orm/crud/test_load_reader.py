"""What is read for a push when the database or a peer's permission fails."""

from collections.abc import Callable
from typing import Any

import pytest

from django_vortex.exceptions import PermissionDenied
from django_vortex.orm.crud.load_reader import MAX_FAILURES, LoadReader
from django_vortex.orm.crud.loads import Asked, Load
from django_vortex.orm.crud.work import Outcome
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import Request
from tests.support.routing import Bench


class FakeStore:
    """Runs work, and fails when the work or the database does."""

    def __init__(self) -> None:
        self.runs = 0
        self.failure: Exception | None = None

    async def run(self, work: Callable[[Any], Any]) -> Any:
        self.runs += 1
        if self.failure is not None:
            raise self.failure
        return work(None)


class FakePlan:
    handler = "the handler"


def load(uuid: str) -> Load:
    filt = {"key": "k", "id": uuid}
    return Load(Asked(uuid, filt, filt, (uuid,), is_list=False), Peer(uuid, "n"))


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def broken() -> set[str]:
    """The peers that cannot be read for."""
    return set()


@pytest.fixture
def reader(bench: Bench, store: FakeStore, broken: set[str]) -> LoadReader:
    def answer(request: Request, unit: Any) -> Outcome:
        if request.peer.uuid in broken:
            raise RuntimeError("broken")
        if request.peer.uuid == "refused":
            raise PermissionDenied("You may not")
        assert request.is_push
        return Outcome([request.filt["id"]])

    plan: Any = FakePlan()
    any_store: Any = store
    return LoadReader(plan, any_store, bench.payload_io, answer, is_same_for_all=False)


async def test_all_is_read_in_one_transaction(
    bench: Bench, reader: LoadReader, store: FakeStore
) -> None:
    pushes = await reader.read([load("a"), load("refused"), load("b")])
    tuples = [bench.tuples_of(push.envelope) for push in pushes if push is not None]
    assert tuples == [["a"], [], ["b"]]
    assert store.runs == 1


async def test_nothing_is_read_for_nobody(reader: LoadReader, store: FakeStore) -> None:
    assert await reader.read([]) == []
    assert store.runs == 0


async def test_one_that_fails_is_left_out(
    reader: LoadReader, broken: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    broken.add("b")
    pushes = await reader.read([load("a"), load("b"), load("c")])
    assert [push is None for push in pushes] == [False, True, False]
    assert len(caplog.records) == 1


async def test_a_database_that_is_down_is_not_asked_for_each_load(
    reader: LoadReader, store: FakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.failure = ConnectionError("The database is down")
    assert await reader.read([load(str(number)) for number in range(100)]) == [None] * 100
    assert store.runs == 1 + MAX_FAILURES
    assert len(caplog.records) == MAX_FAILURES
