"""An update is built, and its permission asked, in the process that has the peer."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from django_vortex.routing.permission import Action, Permission
from django_vortex.routing.permissions import AllowAny, IsAuthenticated, IsStaff
from django_vortex.routing.request import Request
from django_vortex.transports.threads import BlockingPool
from tests.crud.boards import ANN, BOB, STAFF, STORES, TICKET, Place, open_place
from tests.crud.fixtures import FindDatabase
from tests.crud.projects import Project, open_project
from tests.crud.test_pushes import pushed, receive_titles, settle

ROW = {**TICKET, "id": 1}
OPTIONS = {"fields": ["id", "title", "owner_id"]}


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, find_database: FindDatabase) -> Iterator[Place]:
    """Each store over an empty database."""
    with open_place(f"{request.param}-sqlite", find_database) as place:
        yield place


@pytest.fixture
async def project(place: Place, pool: BlockingPool) -> AsyncIterator[Project]:
    """Two processes with a row of Ann's."""
    async with open_project(place, pool) as project:
        project.a.board.add_tickets("ann's", owner_id=ANN.pk)
        yield project


class Own(Permission):
    def scope(self, request: Request, action: Action) -> Any:
        return {"owner_id": request.user.pk}


class OwnByRow(Permission):
    async def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        owner = row["owner_id"] if isinstance(row, dict) else row.owner_id
        return bool(owner == request.user.pk)


class StaffInDatabase(Permission):
    def allows(self, request: Request, action: Action) -> bool:
        return bool(request.user.is_staff)


def serve(project: Project, **options: Any) -> Any:
    """Serve the tickets in both processes; give the handler of A."""
    first, _ = [
        process.board.handler(**{**OPTIONS, **options}) for process in (project.a, project.b)
    ]
    return first


async def update(project: Project, handler: Any, **to: Any) -> None:
    await settle(handler, 1, **to)
    project.carry()


@pytest.mark.parametrize("permission", [IsAuthenticated & Own, OwnByRow])
@pytest.mark.parametrize("to", [{}, {"to_name": "testing"}, {"to_user": ANN}, {"to_user": BOB}])
async def test_each_gets_a_row_as_it_exists_for_them(
    project: Project, permission: Any, to: dict[str, Any]
) -> None:
    handler = serve(project, permission=permission)
    async with (
        project.a.connected(ANN) as here,
        project.b.connected(ANN, "another of hers") as there,
        project.b.connected(BOB) as bob,
    ):
        await update(project, handler, **to)
        meant = to.get("to_user", ANN)
        if meant is ANN:
            assert await receive_titles(there, ROW) == ["ann's"]
            assert await receive_titles(here, ROW) == ["ann's"]
        if meant is BOB or "to_user" not in to:
            assert await receive_titles(bob, ROW) == []
        await asyncio.sleep(0)
        assert pushed(bob) == pushed(here) == pushed(there) == []


async def test_a_peer_gets_its_own_whatever_process_it_lives_in(project: Project) -> None:
    handler = serve(project, permission=IsAuthenticated & Own)
    async with project.b.connected(ANN) as ann, project.b.connected(BOB) as bob:
        for peer in (ann.peer.uuid, "nobody's"):
            await update(project, handler, to_peer=peer)
        assert await receive_titles(ann, ROW) == ["ann's"]
        assert pushed(bob) == []


@pytest.mark.parametrize("permission", [IsStaff, StaffInDatabase])
async def test_who_may_not_read_gets_no_update_in_any_process(
    project: Project, permission: Any
) -> None:
    handler = serve(project, permission=permission)
    async with (
        project.a.connected(STAFF) as here,
        project.b.connected(STAFF, "another of hers") as there,
        project.a.connected(BOB) as bob,
        project.b.connected(ANN) as ann,
    ):
        await update(project, handler)
        assert await receive_titles(here, ROW) == ["ann's"]
        assert await receive_titles(there, ROW) == ["ann's"]
        assert pushed(bob) == pushed(ann) == []


async def test_what_each_peer_builds_does_not_travel(project: Project) -> None:
    handler = serve(project, permission=IsAuthenticated & Own)
    async with project.b.connected(ANN) as ann:
        before = len(project.a.fan_out.published)
        await update(project, handler, to_user=ANN)
        assert await receive_titles(ann, ROW) == ["ann's"]
        records = project.a.fan_out.published[before:]
        [record] = [one for one in records if one["kind"] == "push_to_readers"]
        assert "ann's" not in json.dumps(record, default=repr)


async def test_what_is_the_same_for_all_is_read_once(project: Project) -> None:
    handler = serve(project, permission=AllowAny)
    async with project.a.connected(ANN) as here, project.b.connected(BOB) as there:
        reads = []
        for process in (project.a, project.b):
            [served] = process.board._kept
            store = served.store
            run, run_here = store.run, store.run_here
            store.run = lambda work, run=run: reads.append("run") or run(work)
            store.run_here = lambda work, run=run_here: reads.append("here") or run(work)
        await update(project, handler)
        assert await receive_titles(here, ROW) == await receive_titles(there, ROW) == ["ann's"]
        assert len(reads) == 1


async def test_a_handler_that_another_process_lacks_pushes_nothing_there(project: Project) -> None:
    handler = project.a.board.handler(**OPTIONS, permission=AllowAny)
    async with project.a.connected(ANN) as here, project.b.connected(BOB) as there:
        await update(project, handler)
        assert await receive_titles(here, ROW) == ["ann's"]
        assert pushed(there) == []
