"""Rows that are sent unasked: by the application, and after each commit to who has loaded them."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError, TryAgain
from django_vortex.live.evaluator import Evaluator
from django_vortex.orm.crud.extension import Context, CrudExtension
from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.orm.crud.nested import CrudNested
from django_vortex.routing.permissions import Action, Permission
from django_vortex.routing.replies import MAX_TUPLES_ON_LOOP
from django_vortex.routing.request import Request
from django_vortex.server import loading
from tests.crud.boards import ANN, BOB, STAFF, TICKET, Board, User, ticket
from tests.support.waiting import eventually

ROW = {**TICKET, "id": 1}


def pushed(peer: Any) -> list[Any]:
    """Take what came unasked: filt and titles."""
    return [(reply.filt, [row["title"] for row in reply.tuples]) for reply in peer.take()]


async def settle(handler: Any, *arguments: Any, **options: Any) -> None:
    """Send an update and wait until it has gone out."""
    await asyncio.wait_for(
        asyncio.wrap_future(handler.send_model_update(*arguments, **options)), 60
    )


def get_watching(peer: Any) -> Any:
    """Return what is watched in the process that a peer is with."""
    return peer.peer._get_connection()._server._watching


async def current(peer: Any) -> None:
    """Wait until all in the peer's process have been shown what has changed until now."""
    watches = get_watching(peer).watches.watches
    await eventually(
        lambda: all(one.is_current and not one.is_awaited for one in watches.values()),
        "all that is watched to be evaluated",
    )


class Held:
    """Holds back the outcome of what was done, until the test releases it."""

    def __init__(self) -> None:
        self.is_on = True
        self.outcomes: list[Any] = []
        self._reached = asyncio.Event()
        self._open = asyncio.Event()

    def wrap(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def held(*arguments: Any) -> Any:
            if not self.is_on:
                return await function(*arguments)
            outcome = await function(*arguments)
            self.outcomes.append(outcome)
            self._reached.set()
            await self._open.wait()
            return outcome

        return held

    async def reached(self) -> None:
        await asyncio.wait_for(self._reached.wait(), 60)

    def release(self) -> None:
        self._open.set()

    async def begin(self, peer: Any) -> None:
        """Hold back what is evaluated from now on."""
        await current(peer)
        self.is_on = True


@pytest.fixture
async def reading(monkeypatch: pytest.MonkeyPatch) -> Held:
    """Holds back what is evaluated for pushes, once it has begun to."""
    held = Held()
    held.is_on = False

    async def evaluate(evaluator: Evaluator, asked: Any) -> Any:
        return await held.wrap(partial(original, evaluator))(asked)

    original = Evaluator.__call__
    monkeypatch.setattr(Evaluator, "__call__", evaluate)
    return held


def hold_next(handler: Any) -> Held:
    """Hold back the outcome of the next transaction; later ones go on."""
    held, store = Held(), handler.store
    run = store.run
    held_run = held.wrap(run)

    async def run_once(work: Any) -> Any:
        store.run = run
        return await held_run(work)

    store.run = run_once
    return held


async def receive_titles(peer: Any, filt: dict[str, Any]) -> list[str]:
    return [row["title"] for row in (await peer.receive(filt)).tuples]


async def test_a_row_is_pushed_to_everybody(board: Board) -> None:
    board.add_tickets("a", "b")
    handler = board.handler()
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await settle(handler, 2)
        assert pushed(ann) == pushed(bob) == [({**TICKET, "id": 2}, ["b"])]


async def test_a_row_is_pushed_to_one_peer_or_user(board: Board) -> None:
    board.add_tickets("a")
    handler = board.handler()
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await settle(handler, 1, to_peer=bob.peer.uuid)
        assert (len(pushed(ann)), len(pushed(bob))) == (0, 1)
        await settle(handler, 1, to_user=ANN)
        assert (len(pushed(ann)), len(pushed(bob))) == (1, 0)


async def test_a_row_that_is_gone_is_pushed_as_nothing(board: Board) -> None:
    handler = board.handler()
    async with board.connected() as peer:
        await settle(handler, 99)
        assert pushed(peer) == [({**TICKET, "id": 99}, [])]


async def test_a_row_is_pushed_from_a_thread(board: Board) -> None:
    board.add_tickets("a")
    handler = board.handler()
    async with board.connected() as peer:
        board.payload_io.bind(loop=asyncio.get_running_loop())  # as a server does
        future = await board.payload_io.run_sync(lambda: handler.send_model_update(1))
        assert await asyncio.wait_for(asyncio.wrap_future(future), 60) == 1
        assert pushed(peer) == [(ROW, ["a"])]


async def test_a_thread_without_a_loop_is_told_what_asynchronous_sessions_need(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    board.add_tickets("a")
    handler = board.handler()
    async with board.connected() as peer:
        future = await board.payload_io.run_sync(lambda: handler.send_model_update(1))
        if not handler.store.is_async:
            assert await asyncio.wait_for(asyncio.wrap_future(future), 60) == 1
            assert pushed(peer) == [(ROW, ["a"])]
            return
        with pytest.raises(DefinitionError, match=r"call this in a coroutine, as with asyncio.run"):
            await asyncio.wait_for(asyncio.wrap_future(future), 60)
        assert "could not build its update" in caplog.text


async def test_who_loaded_a_row_gets_it_after_each_commit(board: Board) -> None:
    board.add_tickets("a", "b")
    board.handler(push_on_commit=True)
    async with (
        board.connected(ANN) as ann,
        board.connected(BOB) as bob,
        board.connected() as other,
    ):
        await ann.ask({**TICKET, "id": 1})
        await other.ask({**TICKET, "id": 2})
        assert (await bob.ask(TICKET, [ticket(id=1, title="A")])).result is True
        received = await ann.peer.receive({**TICKET, "id": 1})
        assert received.tuples[0].title == "A"
        assert pushed(other) == []


async def test_who_changes_a_row_itself_is_told_under_the_other_filts_it_has_loaded_it_by(
    board: Board,
) -> None:
    board.add_tickets("a")
    board.handler(push_on_commit=True)
    other = {**ROW, "limit": 1}
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask(ROW)
        await ann.ask(other)
        await ann.save(ROW, [ticket(id=1, title="anns")])
        assert await receive_titles(ann, other) == ["anns"]
        await bob.ask(TICKET, [ticket(id=1, title="bobs")])
        assert await receive_titles(ann, ROW) == ["bobs"]  # not its own, which it was answered
        assert await receive_titles(ann, other) == ["bobs"]


async def test_who_loaded_a_row_is_told_when_it_is_deleted(board: Board) -> None:
    board.add_tickets("a")
    board.handler(push_on_commit=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask({**TICKET, "id": 1})
        await bob.ask({**TICKET, "id": 1, "delete": True})
        received = await ann.peer.receive({**TICKET, "id": 1})
        assert received.tuples == []


async def test_nothing_is_pushed_of_what_was_undone(board: Board) -> None:
    board.add_tickets("a")
    board.handler(push_on_commit=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask({**TICKET, "id": 1})
        await bob.ask(TICKET, [ticket(id=1, title="A"), ticket(title=None)])
        await bob.ask(TICKET, [ticket(id=1, title="B")])
        received = await ann.peer.receive({**TICKET, "id": 1})
        assert received.tuples[0].title == "B"
        assert pushed(ann) == []


async def test_nothing_is_pushed_unless_the_handler_says_so(board: Board) -> None:
    board.add_tickets("a")
    board.handler()
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask({**TICKET, "id": 1})
        await bob.ask(TICKET, [ticket(id=1, title="A")])
        assert pushed(ann) == []


async def test_a_push_shows_no_row_to_who_may_not_see_it_any_more(board: Board) -> None:
    board.add_tickets("a", owner_id=ANN.pk)
    board.handler(
        push_on_commit=True,
        get_queryset=lambda request: board.owned(request.user.pk),
        fields=["id", "title", "owner_id"],
    )
    async with board.connected(ANN) as first, board.connected(ANN) as second:
        await first.ask({**TICKET, "id": 1})
        await second.ask(TICKET, [ticket(id=1, title="Bobs", owner_id=BOB.pk)])
        await second.ask(TICKET, [ticket(title="mine", owner_id=ANN.pk)])
        assert "Bobs" not in [title for _, titles in pushed(first) for title in titles]


async def test_pushes_tell_nothing_of_changes_that_a_peer_may_not_see(board: Board) -> None:
    class Own(Permission):
        def scope(self, request: Request, action: Action) -> Any:
            return {"owner_id": request.user.pk} if action is Action.RETRIEVE else None

    board.add_tickets("a", owner_id=ANN.pk)
    fields = ["title", "owner_id"]
    board.handler(push_on_commit=True, retrieve_all=True, permission=Own, fields=fields)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask(ROW)
        await ann.ask(TICKET)
        await bob.ask(TICKET)
        seen = []
        for title, owner in (("b", BOB), ("c", BOB), ("d", BOB), ("e", ANN), ("e", BOB)):
            await bob.save({**TICKET, "limit": 1}, [ticket(id=1, title=title, owner_id=owner.pk)])
            await receive_titles(bob, TICKET)
            await current(ann)
            seen.append(sorted(titles for _, titles in pushed(ann)))
        assert seen == [[[], []], [], [], [["e"], ["e"]], [[], []]]


async def test_who_has_saved_a_row_is_told_when_it_is_as_before(board: Board) -> None:
    board.add_tickets("a")
    board.handler(push_on_commit=True)
    async with board.connected() as one, board.connected() as two:
        await one.ask(ROW)
        await one.ask(ROW, [ticket(id=1, title="b")])
        await two.ask(TICKET, [ticket(id=1, title="a")])
        assert await receive_titles(one, ROW) == ["a"]


async def test_lists_are_pushed_as_they_were_asked_for(board: Board) -> None:
    board.add_tickets("a", "b", "c")
    board.handler(push_on_commit=True, retrieve_all=True, filters=["state"], ordering=["title"])
    page = {**TICKET, "order": ["-title"], "limit": 2}
    closed = {**TICKET, "where": {"state": "closed"}}
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask(page)
        assert (await ann.ask(closed)).tuples == []
        assert (await bob.ask(TICKET, [ticket(id=2, title="z", state="closed")])).result is True
        *rows, first = (await ann.receive(page)).tuples
        assert [row["title"] for row in rows] == ["z", "c"]
        assert first["count"] == 2
        assert await receive_titles(ann, closed) == ["z"]
        following = {**page, "after": first["next"]}
        assert [row["title"] for row in (await ann.ask(following)).tuples[:-1]] == ["a"]
        await bob.ask({**TICKET, "id": 1, "delete": True})
        assert [row["title"] for row in (await ann.receive(following)).tuples[:-1]] == []


async def test_a_list_is_pushed_to_who_has_changed_it(board: Board) -> None:
    board.handler(push_on_commit=True, retrieve_all=True)
    async with board.connected(ANN) as ann:
        await ann.ask(TICKET)
        await ann.save(TICKET, [ticket(title="a")])
        assert await receive_titles(ann, TICKET) == ["a"]
        await ann.save({**TICKET, "limit": 1}, [ticket(title="b")])
        assert await receive_titles(ann, TICKET) == ["a", "b"]


async def test_what_left_a_row_as_it_was_pushes_nothing(board: Board) -> None:
    board.add_tickets("a")
    board.handler(push_on_commit=True, retrieve_all=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask(TICKET)
        await bob.ask(TICKET, [ticket(id=1, title="a")])
        await bob.ask(TICKET, [ticket(id=1, title="A")])
        assert await receive_titles(ann, TICKET) == ["A"]
        assert pushed(ann) == []


async def test_lists_are_left_out_if_the_handler_says_so(board: Board) -> None:
    board.add_tickets("a")
    board.handler(push_on_commit="rows", retrieve_all=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask(TICKET)
        await ann.ask(ROW)
        await bob.ask(TICKET, [ticket(id=1, title="A")])
        assert await receive_titles(ann, ROW) == ["A"]
        assert pushed(ann) == []


async def test_no_other_way_of_pushing_can_be_named(board: Board) -> None:
    with pytest.raises(DefinitionError, match="push_on_commit is True, False or 'rows'"):
        board.handler(push_on_commit="lists")


async def test_what_was_not_found_or_refused_is_not_pushed(board: Board) -> None:
    board.handler(push_on_commit=True, client_keys=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask(ROW)
        assert not (await ann.ask({**TICKET, "id": "no id"})).is_success
        await bob.ask(TICKET, [ticket(id=1, title="A")])
        await bob.ask(ROW)
        await ann.ask({**TICKET, "id": 1, "delete": True})
        assert await receive_titles(bob, ROW) == []
        assert pushed(ann) == []


async def test_an_older_state_never_follows_a_newer_one(board: Board, reading: Held) -> None:
    board.add_tickets("a")
    board.handler(push_on_commit=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask(ROW)
        await reading.begin(ann)
        await bob.ask(TICKET, [ticket(id=1, title="older")])
        await reading.reached()
        await bob.ask(TICKET, [ticket(id=1, title="newer")])
        reading.release()
        assert await receive_titles(ann, ROW) == ["older"]
        assert await receive_titles(ann, ROW) == ["newer"]
        await current(ann)
        assert pushed(ann) == []


async def test_a_burst_of_commits_is_read_once(board: Board, reading: Held) -> None:
    board.add_tickets("a")
    board.handler(push_on_commit=True, retrieve_all=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask(ROW)
        await ann.ask(TICKET)
        await reading.begin(ann)
        for number in range(10):
            await bob.ask({**TICKET, "limit": 1}, [ticket(id=1, title=f"{number}")])
            await eventually(lambda: sum(map(len, reading.outcomes)) == 2, "row and list")
        reading.release()
        while await receive_titles(ann, TICKET) != ["9"]:
            pass
        await current(ann)
        assert sum(map(len, reading.outcomes)) == 4
        assert [titles for _, titles in pushed(ann)] == [["0"], ["9"]]


async def test_what_a_commit_concerns_is_read_once_for_all_peers(
    board: Board, reading: Held
) -> None:
    board.add_tickets("a", "b", "c")
    board.handler(push_on_commit=True, retrieve_all=True)
    async with (
        board.connected(ANN) as ann,
        board.connected(BOB) as bob,
        board.connected(STAFF) as other,
    ):
        for peer in (ann, bob):
            for asked in (ROW, {**TICKET, "id": 2}, TICKET):
                await peer.ask(asked)
        await reading.begin(other)
        await other.ask(TICKET, [ticket(id=1, title="A"), ticket(id=2, title="B")])
        await reading.reached()
        reading.release()
        await current(other)
        assert sum(map(len, reading.outcomes)) == 3
        assert await receive_titles(bob, TICKET) == ["A", "B", "c"]


@pytest.mark.parametrize("place", ["django-sqlite"], indirect=True)  # which shows its BEGIN
async def test_what_a_commit_concerns_is_read_in_one_transaction(board: Board) -> None:
    board.add_tickets("a", "b")
    board.handler(push_on_commit=True, retrieve_all=True)
    async with board.connected(ANN) as ann:
        for asked in (ROW, {**TICKET, "id": 2}, TICKET):
            await ann.ask(asked)
        await current(ann)
        board.database.execute("UPDATE crud_ticket SET title = 'x'")
        with board.noted() as statements:
            board.payload_io.bind(run_sync=board.pool.run_sync)
            get_watching(ann).watches.recover()
            await current(ann)
        kinds = [one.partition(" ")[0] for one in statements]
        assert kinds == ["BEGIN", "SELECT", "SELECT", "SELECT"]
        assert sorted(titles for _, titles in pushed(ann)) == [["x"], ["x"], ["x", "x"]]


async def test_what_depends_on_the_peer_is_read_for_each(board: Board) -> None:
    class Marking(CrudExtension):
        def after_retrieve(self, context: Context, row: Any, values: dict[str, Any]) -> None:
            values["state"] = f"{context.request.user.pk} {context.request.is_push}"

    board.add_tickets("a")
    board.handler(push_on_commit=True, extensions=[Marking])
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        for peer in (ann, bob):
            await peer.ask(ROW)
        await board.ask(TICKET, [ticket(id=1, title="A")], user=STAFF)
        for user, peer in ((ANN, ann), (BOB, bob)):
            [row] = (await peer.receive(ROW)).tuples
            assert row["state"] == f"{user.pk} True"


async def test_each_peer_gets_the_rows_that_its_permission_shows(board: Board) -> None:
    class Own(Permission):
        def scope(self, request: Request, action: Action) -> Any:
            return {"owner_id": request.user.pk}

    board.add_tickets("anns", owner_id=ANN.pk)
    board.add_tickets("bobs", owner_id=BOB.pk)
    board.handler(push_on_commit=True, retrieve_all=True, permission=Own)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        for peer in (ann, bob):
            await peer.ask(TICKET)
        for peer, key, title in ((ann, 1, "A"), (bob, 2, "B")):
            await peer.save({**TICKET, "other": 1}, [ticket(id=key, title=title)])
            assert await receive_titles(peer, TICKET) == [title]
        assert (pushed(ann), pushed(bob)) == ([], [])


async def test_rows_inside_are_read_for_each_peer_if_not_everybody_sees_them(board: Board) -> None:
    class Own(Permission):
        def scope(self, request: Request, action: Action) -> Any:
            return {"code": str(request.user.pk)}

    board.database.add("project", name="anns", code=str(ANN.pk))
    board.add_tickets("a", project_id=1)
    inside = CrudNested(["name"], permission=Own, type_name="board.Inner")
    board.handler(push_on_commit=True, fields=["title"], nested={"project": inside})
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        for peer in (ann, bob):
            await peer.ask(ROW)
        await board.ask(TICKET, [ticket(id=1, title="A")], user=STAFF)
        [anns], [bobs] = [(await peer.receive(ROW)).tuples for peer in (ann, bob)]
        assert (anns["project"]["name"], bobs["project"]) == ("anns", None)


async def test_hooks_of_the_handler_decide_what_is_pushed_too(board: Board) -> None:
    class Hiding(OrmCrudHandler):
        def post_process(self, request: Request, payload: Any) -> None:
            payload.tuples = [row for row in payload.tuples if request.user == BOB]

    board.add_tickets("a")
    board.handler(push_on_commit=True, retrieve_all=True, cls=Hiding)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        for peer in (ann, bob):
            await peer.ask(TICKET)
        await board.ask({**TICKET, "limit": 1}, [ticket(title="b")])
        assert await receive_titles(bob, TICKET) == ["a", "b"]
        assert pushed(ann) == []


class Revocable(Permission):
    """Lets everybody retrieve until somebody is named."""

    refused: User | None = None
    failing: User | None = None

    def allows(self, request: Request, action: Action) -> bool:
        if self.failing is not None and request.user == self.failing:
            raise RuntimeError("The permission is broken")
        return self.refused is None or request.user != self.refused


async def test_who_may_not_retrieve_any_more_is_pushed_nothing(board: Board) -> None:
    board.add_tickets("a")
    permission = Revocable()
    board.handler(push_on_commit=True, retrieve_all=True, permission=permission)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        for peer in (ann, bob):
            await peer.ask(TICKET)
            await peer.ask(ROW)
        await current(ann)
        permission.refused = ANN
        await bob.save(TICKET, [ticket(id=1, title="A")])
        assert await receive_titles(ann, ROW) == []
        assert await receive_titles(bob, ROW) == ["A"]
        assert [titles for _, titles in pushed(ann)] in ([], [[]])


async def test_a_peer_that_cannot_be_read_for_keeps_nothing_from_the_others(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    board.add_tickets("a")
    permission = Revocable()
    board.handler(push_on_commit=True, permission=permission)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        for peer in (ann, bob):
            await peer.ask(ROW)
        await current(ann)
        permission.failing = ANN
        await board.ask(TICKET, [ticket(id=1, title="A")])
        assert await receive_titles(bob, ROW) == ["A"]
        assert pushed(ann) == []
        await eventually(lambda: "Nothing is pushed to who" in caplog.text, "the log to say so")


async def test_what_a_busy_database_could_not_read_is_pushed_later(board: Board) -> None:
    left = 0

    def find(request: Request) -> Any:
        nonlocal left
        if left and request.is_push:
            left -= 1
            raise TryAgain
        return board.owned(ANN.pk)

    board.add_tickets("a", owner_id=ANN.pk)
    board.handler(push_on_commit=True, get_queryset=find)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        for peer in (ann, bob):
            await peer.ask(ROW)
        await current(ann)
        left = 3
        await board.ask(TICKET, [ticket(id=1, title="b")])
        for peer in (ann, bob):
            assert await receive_titles(peer, ROW) == ["b"]
        assert left == 0


async def test_a_change_during_the_answer_is_pushed_behind_it(board: Board) -> None:
    board.add_tickets("a")
    handler = board.handler(push_on_commit=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        held = hold_next(handler)
        asking = asyncio.ensure_future(ann.peer.request(ROW))
        await held.reached()
        await bob.ask(TICKET, [ticket(id=1, title="A")])
        assert pushed(ann) == []
        held.release()
        assert [row.title for row in (await asking).tuples] == ["a"]
        assert await receive_titles(ann, ROW) == ["A"]


async def test_an_older_answer_does_not_follow_a_newer_one(board: Board) -> None:
    board.add_tickets("a")
    handler = board.handler(push_on_commit=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        held = hold_next(handler)
        asking = [asyncio.ensure_future(ann.peer.request(ROW))]
        await held.reached()
        await bob.ask(TICKET, [ticket(id=1, title="A")])
        asking.append(asyncio.ensure_future(ann.peer.request(ROW)))
        ended = asyncio.ensure_future(ann.ask({**TICKET, "id": 2}))  # behind it, and not waiting
        await ended
        assert not any(one.done() for one in asking)
        held.release()
        first, second = [[row.title for row in (await one).tuples] for one in asking]
        assert (first, second) == (["a"], ["A"])


async def test_an_answer_that_overtakes_a_push_is_not_followed_by_it(
    board: Board, reading: Held
) -> None:
    board.add_tickets("a")
    board.handler(push_on_commit=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask(ROW)
        await reading.begin(ann)
        await bob.ask(TICKET, [ticket(id=1, title="older")])
        await reading.reached()
        [saved] = (await ann.save(ROW, [ticket(id=1, title="newer")])).tuples
        assert saved["title"] == "newer"
        reading.release()
        await current(ann)
        assert pushed(ann) == []


async def test_a_list_without_what_one_has_saved_does_not_follow_that(
    board: Board, reading: Held
) -> None:
    board.handler(push_on_commit=True, retrieve_all=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        await ann.ask(TICKET)
        await reading.begin(ann)
        await bob.ask({**TICKET, "limit": 1}, [ticket(title="bobs")])
        await reading.reached()
        await ann.save(TICKET, [ticket(title="anns")])
        reading.release()
        assert await receive_titles(ann, TICKET) == ["bobs", "anns"]


async def test_what_was_saved_is_pushed_although_its_saver_went_away(board: Board) -> None:
    board.add_tickets("a")
    handler = board.handler(push_on_commit=True)
    async with board.connected(ANN) as ann:
        await ann.ask(ROW)
        async with board.connected(BOB) as bob:
            held = hold_next(handler)
            saving = asyncio.ensure_future(bob.ask(TICKET, [ticket(id=1, title="A")]))
            await held.reached()
        held.release()
        assert await receive_titles(ann, ROW) == ["A"]
        saving.cancel()


async def test_nothing_is_remembered_of_peers_that_have_gone(board: Board) -> None:
    board.add_tickets("a", "b")
    board.handler(push_on_commit=True, retrieve_all=True)
    async with board.connected(ANN) as ann:
        watching = get_watching(ann)
        async with board.connected(BOB) as bob:
            await bob.ask(ROW)
            await bob.ask(TICKET)
            await ann.ask({**TICKET, "id": 2})
            assert len(watching.subscriptions) == 3
        assert len(watching.subscriptions) == 1
    assert not watching.subscriptions
    assert not watching.watches.watches


async def test_requests_that_load_nothing_are_not_remembered(board: Board) -> None:
    board.handler(push_on_commit=True)
    async with board.connected(ANN) as ann:
        await ann.ask(TICKET)
        await ann.ask(TICKET, [ticket(title="a")])
        await ann.ask({**TICKET, "id": 5})
        await ann.ask({**ROW, "long": "x" * 5000})
        assert not get_watching(ann).subscriptions


async def test_what_was_loaded_longest_ago_is_forgotten(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "MAX_ROWS_PER_PEER", 2)
    board.add_tickets("a", "b", "c")
    board.handler(push_on_commit=True, retrieve_all=True)
    async with board.connected(ANN) as ann:
        await ann.ask(TICKET)
        for key in (1, 2, 1, 3):
            await ann.ask({**TICKET, "id": key})
        await current(ann)
        for key in (2, 1, 3):
            await board.ask({**TICKET, "limit": 1}, [ticket(id=key, title=f"{key}")])
        await current(ann)
        ids = {reply.filt.get("id") for reply in ann.take()}
        assert ids == {None, 1, 3}


async def test_what_two_handlers_answer_is_not_pushed(board: Board) -> None:
    board.add_tickets("a")
    for _ in range(2):
        board.handler(push_on_commit=True)
    async with board.connected(ANN) as ann:
        assert len(await ann.send(ROW)) == 2
        assert not get_watching(ann).subscriptions


async def test_who_watches_as_much_as_it_may_is_pushed_to_still(board: Board) -> None:
    board.add_tickets("a")
    board.handler(push_on_commit=True)
    async with board.connected(ANN) as ann, board.connected(BOB) as bob:
        counts = get_watching(ann).watches._register._counts
        await ann.ask(ROW)
        assert counts == {}
        counts[ann.peer.uuid] = 1000
        await ann.ask(ROW)
        await bob.ask(TICKET, [ticket(id=1, title="A")])
        assert await receive_titles(ann, ROW) == ["A"]


async def test_a_long_list_is_not_pushed_again_to_who_has_just_loaded_it(board: Board) -> None:
    board.add_tickets(*map(str, range(MAX_TUPLES_ON_LOOP + 1)))
    board.handler(push_on_commit=True, retrieve_all=True)
    async with board.connected(ANN) as ann:
        assert len((await ann.ask(TICKET)).tuples) == MAX_TUPLES_ON_LOOP + 1
        await current(ann)
        assert pushed(ann) == []
