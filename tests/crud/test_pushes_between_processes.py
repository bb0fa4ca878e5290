"""Changes made in one process reach who has loaded the rows from another."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from django_vortex.exceptions import DeliveryError
from django_vortex.routing.request import Request
from django_vortex.server import watch_moves
from django_vortex.transports.threads import BlockingPool
from tests.crud.asking import Record
from tests.crud.boards import ANN, BOB, STORES, TICKET, Place, open_place, ticket
from tests.crud.fixtures import FindDatabase
from tests.crud.projects import Process, Project, open_project
from tests.crud.test_pushes import Held, current, hold_next, pushed, receive_titles
from tests.support.waiting import eventually

ROW = {**TICKET, "id": 1}


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, find_database: FindDatabase) -> Iterator[Place]:
    """Each store over an empty database."""
    with open_place(f"{request.param}-sqlite", find_database) as place:
        yield place


@pytest.fixture
async def project(place: Place, pool: BlockingPool) -> AsyncIterator[Project]:
    """Two processes with a row each that nobody has loaded."""
    async with open_project(place, pool) as project:
        project.a.board.add_tickets("a", "b")
        yield project


def hold_evaluations(process: Process) -> Held:
    """Hold back what is evaluated in a process from now on."""
    held, batches = Held(), process.watching.watches._scheduler._batches
    batches._evaluate = held.wrap(batches._evaluate)
    return held


async def test_a_saved_row_is_pushed_by_the_process_that_has_the_peer(project: Project) -> None:
    project.serve()
    async with project.a.connected(ANN) as ann, project.b.connected(BOB) as bob:
        await ann.ask(ROW)
        await current(ann)  # else what it evaluates first may be what was committed there
        await bob.ask(TICKET, [ticket(id=1, title="A")])
        assert pushed(ann) == []
        project.carry()
        assert await receive_titles(ann, ROW) == ["A"]
        assert pushed(bob) == []


async def test_a_deleted_row_is_pushed_as_nothing(project: Project) -> None:
    project.serve()
    async with project.a.connected(ANN) as ann, project.b.connected(BOB) as bob:
        await ann.ask(ROW)
        await bob.ask({**ROW, "delete": True})
        project.carry()
        assert await receive_titles(ann, ROW) == []


async def test_a_list_is_pushed(project: Project) -> None:
    project.serve(retrieve_all=True, ordering=["title"])
    asked = {**TICKET, "order": "-title"}
    async with project.a.connected(ANN) as ann, project.b.connected(BOB) as bob:
        await ann.ask(asked)
        await bob.ask(TICKET, [ticket(title="c")])
        project.carry()
        assert await receive_titles(ann, asked) == ["c", "b", "a"]


async def test_only_keys_travel(project: Project) -> None:
    project.serve()
    async with project.a.connected(ANN) as ann, project.b.connected(BOB) as bob:
        await ann.ask(ROW)
        before = len(project.b.fan_out.published)
        await bob.ask(TICKET, [ticket(id=1, title="secret")])
        [news] = project.b.fan_out.published[before:]
        assert news["kind"] == "news"
        assert "[[" in news["text"]
        assert "secret" not in json.dumps(news)


async def test_keys_of_several_fields_travel(project: Project) -> None:
    filt = {"key": "board.seat"}
    for process in (project.a, project.b):
        options = {"fields": "__all__", "type_name": "board.Seat", "client_keys": True}
        process.board.handler(process.board.Seat, filt=filt, push_on_commit=True, **options)
    project.a.board.database.add("seat", row="A", number=2, guest="")
    seat = {**filt, "id": ["A", 2]}
    async with project.a.connected(ANN) as ann, project.b.connected(BOB) as bob:
        await ann.ask(seat)
        await bob.ask(filt, [Record("board.Seat", row="A", number=2, guest="Ann")])
        project.carry()
        [row] = (await ann.receive(seat)).tuples
        assert row["guest"] == "Ann"


async def test_each_peer_gets_what_its_own_permissions_show(project: Project) -> None:
    board = project.a.board
    board.add_tickets("anns", owner_id=ANN.pk)
    fields = ["id", "title", "owner_id"]
    project.serve(get_queryset=lambda request: board.owned(request.user.pk), fields=fields)
    row = {**TICKET, "id": 3}
    async with (
        project.a.connected(ANN) as ann,
        project.a.connected(BOB) as bob,
        project.b.connected(ANN, "another of hers") as other,
    ):
        await ann.ask(row)
        await bob.ask(row)
        await other.ask(TICKET, [ticket(id=3, title="A")])
        project.carry()
        assert await receive_titles(ann, row) == ["A"]
        assert pushed(bob) == []


async def test_who_has_logged_in_since_is_asked_for_as_who_it_is_now(project: Project) -> None:
    board = project.a.board
    board.add_tickets("anns", owner_id=ANN.pk)

    def find(request: Request) -> Any:
        return board.owned(getattr(request.user, "pk", 0))

    project.serve(retrieve_all=True, get_queryset=find, fields=["title", "owner_id"])
    async with (
        project.a.connected(None, "tab") as nobody,
        project.b.connected(ANN, "another of hers") as other,
    ):
        await nobody.ask(TICKET)
        async with project.a.connected(ANN, "tab") as ann:
            await other.save({**TICKET, "limit": 1}, [ticket(id=3, title="A")])
            project.carry()
            while await receive_titles(ann, TICKET) != ["A"]:
                pass


async def test_a_layer_that_is_down_is_no_fault_of_who_saves(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    project.serve()
    async with project.b.connected(ANN) as ann, project.b.connected(BOB) as bob:
        await ann.ask(ROW)
        project.carry()
        project.b.fan_out.failure = DeliveryError("The channel layer is too slow")
        assert (await bob.ask(TICKET, [ticket(id=1, title="A")])).result is True
        assert await receive_titles(ann, ROW) == ["A"]
        assert "Other processes miss the news of vortex.watching" in caplog.text
        project.b.fan_out.failure = None


async def test_after_a_gap_all_that_is_loaded_is_read_again(project: Project) -> None:
    project.serve(retrieve_all=True)
    async with project.a.connected(ANN) as ann, project.b.connected(BOB) as bob:
        await ann.ask(ROW)
        await ann.ask(TICKET)
        project.carry()
        await bob.ask(TICKET, [ticket(id=1, title="A")])
        project.bus.lose(("B", "A"))
        report_gap: Any = project.a.fan_out.report_gap
        report_gap("B", 1)
        assert await receive_titles(ann, ROW) == ["A"]
        assert await receive_titles(ann, TICKET) == ["A", "b"]


async def test_what_a_peer_has_loaded_goes_with_it(project: Project) -> None:
    project.serve(retrieve_all=True)
    a, b = (process.watching.subscriptions for process in (project.a, project.b))
    async with project.a.connected(ANN) as there, project.b.connected(BOB) as bob:
        await there.ask(ROW)
        await there.ask(TICKET)
        async with project.b.connected(ANN) as here:
            project.carry()
            assert len(a) == 0
            await eventually(lambda: len(b) == 2, "both to be watched here")
            await bob.ask(ROW, [ticket(id=1, title="A")])
            assert await receive_titles(here, ROW) == ["A"]
            assert await receive_titles(here, TICKET) == ["A", "b"]
            project.carry()
            assert pushed(here) == []
        assert len(b) == 0


async def test_nothing_is_remembered_of_a_peer_that_came_and_left_at_once(project: Project) -> None:
    project.serve()
    async with project.a.connected(ANN) as there, project.b.connected(BOB) as bob:
        await there.ask(ROW)
        async with project.b.connected(ANN):
            project.carry()
        await bob.ask(ROW)
        await current(bob)
        assert set(project.b.watching._loading._names) == {bob.peer.uuid}
        assert len(project.b.watching.subscriptions) == 1


async def test_a_change_while_the_peer_is_on_its_way_is_pushed(project: Project) -> None:
    project.serve()
    async with project.a.connected(ANN) as there, project.b.connected(BOB) as bob:
        await there.ask(ROW)
        await current(there)  # else it may be there that the change is seen
        project.carry()
        async with project.b.connected(ANN) as here:
            await bob.ask(TICKET, [ticket(id=1, title="A")])
            project.bus.carry(("B", "A"))  # what the peer has is given, the change comes later
            assert not project.a.server.connections
            project.carry()
            assert await receive_titles(here, ROW) == ["A"]


async def test_a_change_that_was_not_pushed_yet_is_pushed_where_the_peer_goes(
    project: Project,
) -> None:
    project.serve()
    async with project.a.connected(ANN) as there, project.a.connected(BOB) as bob:
        await there.ask(ROW)
        await current(there)
        reading = hold_evaluations(project.a)
        await bob.ask(TICKET, [ticket(id=1, title="A")])
        await reading.reached()
        project.carry()
        project.clock.seconds += 60  # the change alone would be forgotten
        async with project.b.connected(ANN) as here:
            project.carry()
            assert await receive_titles(here, ROW) == ["A"]
            reading.release()
            await bob.ask(TICKET)
            project.carry()
            assert pushed(here) == []


async def test_an_answer_that_follows_the_peer_is_read_again_behind_it(project: Project) -> None:
    project.serve()
    handler = project.a.board._kept[0]
    async with project.a.connected(ANN) as there, project.b.connected(BOB) as bob:
        held = hold_next(handler)
        connection = there.peer._get_connection()
        asking = asyncio.ensure_future(there.send(ROW))
        await held.reached()
        async with project.b.connected(ANN) as here:
            project.carry()
            await bob.ask(TICKET, [ticket(id=1, title="A")])
            project.carry()
            held.release()
            await asking
            assert connection.is_moved
            while not project.bus.busy_links:
                await asyncio.sleep(0)
            project.carry()
            assert await receive_titles(here, ROW) == ["a"]
            while not here.peer.unread:
                project.carry()
                await asyncio.sleep(0)
            assert await receive_titles(here, ROW) == ["A"]


async def test_an_answer_to_who_has_gone_and_come_back_is_read_again_behind_it(
    project: Project,
) -> None:
    project.serve()
    async with project.a.connected(ANN) as there, project.b.connected(BOB) as bob:
        held = hold_next(project.a.board._kept[0])
        asking = asyncio.ensure_future(there.send(ROW))
        await held.reached()
        async with project.b.connected(ANN):
            project.carry()
            async with project.a.connected(ANN) as back:
                project.carry()
                held.release()
                await asking
                await bob.ask(TICKET, [ticket(id=1, title="A")])
                project.carry()
                while await receive_titles(back, ROW) != ["A"]:
                    project.carry()


async def test_what_a_peer_has_loaded_goes_on_with_it_while_its_permission_is_asked(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.serve()
    async with project.a.connected(ANN) as there, project.b.connected(BOB) as bob:
        await there.ask(ROW)
        held = Held()
        monkeypatch.setattr(watch_moves, "demand", held.wrap(watch_moves.demand))
        async with project.b.connected(ANN):
            project.carry()
            await held.reached()
            project.clock.seconds += 1
            async with project.a.connected(ANN) as back:
                project.carry()
                held.release()
                await bob.ask(TICKET, [ticket(id=1, title="A")])
                await eventually(lambda: project.carry() or back.peer.unread, "the change")
                assert await receive_titles(back, ROW) == ["A"]


async def test_what_is_read_after_the_peer_has_left_goes_with_it(project: Project) -> None:
    project.serve()
    async with project.a.connected(ANN) as there, project.b.connected(BOB) as bob:
        asking = asyncio.ensure_future(there.send(ROW))
        while not len(there.peer._get_connection().requests):
            await asyncio.sleep(0)
        async with project.b.connected(ANN) as here:
            project.carry()  # the handler has not begun
            await asking
            await bob.ask(TICKET, [ticket(id=1, title="A")])
            await eventually(lambda: project.carry() or here.peer.unread, "the answer")
            while await receive_titles(here, ROW) != ["A"]:
                project.carry()


async def test_an_older_answer_that_was_held_back_is_not_the_last(project: Project) -> None:
    project.serve()
    async with project.a.connected(ANN) as there, project.b.connected(BOB) as bob:
        held = hold_next(project.a.board._kept[0])
        asking = asyncio.ensure_future(there.send(ROW))
        await held.reached()
        async with project.b.connected(ANN):
            project.carry()
            await bob.ask(TICKET, [ticket(id=1, title="A")])
            async with project.a.connected(ANN) as back:
                held.release()
                await asking
                await back.ask(ROW)
                project.carry()
                await eventually(
                    lambda: project.carry() or len(back.peer.unread) >= 2, "both answers"
                )
                titles = [[row["title"] for row in one.tuples] for one in back.take()]
                assert ["a"] in titles
                assert titles[-1] == ["A"]


async def test_a_change_long_ago_lets_nothing_be_read_again(project: Project) -> None:
    project.serve()
    async with project.a.connected(ANN) as there, project.b.connected(BOB) as bob:
        await there.ask(ROW)
        await bob.ask(TICKET, [ticket(id=2, title="B")])
        project.carry()
        project.clock.seconds += 60
        async with project.b.connected(ANN) as here:
            project.carry()
            await bob.ask(TICKET, [ticket(id=1, title="A")])
            assert await receive_titles(here, ROW) == ["A"]
            assert pushed(here) == []
