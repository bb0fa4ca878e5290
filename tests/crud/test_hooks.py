"""What an application does around the work, plain or as coroutines."""

import asyncio
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError, HandlerError
from django_vortex.orm.crud.extension import Change, Context, CrudExtension
from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.orm.crud.model import CrudModel
from django_vortex.routing.request import Request
from tests.crud.asking import Record
from tests.crud.boards import ANN, TICKET, Board, over_core_tables, ticket

pytestmark = over_core_tables

HOOKS = [
    "after_new",
    "before_create",
    "after_create",
    "before_update",
    "after_update",
    "before_delete",
    "after_delete",
    "before_retrieve",
    "after_retrieve",
    "after_create_commit",
    "after_update_commit",
    "after_delete_commit",
]


def recording(calls: list[str], *, is_async: bool, prefix: str = "") -> CrudExtension:
    """Make an extension that notes which hooks are called."""

    def make(name: str) -> Any:
        def plain(self: Any, context: Context, *arguments: Any) -> None:
            calls.append(prefix + name)

        async def coroutine(self: Any, context: Context, *arguments: Any) -> None:
            await asyncio.sleep(0)
            calls.append(prefix + name)

        return coroutine if is_async else plain

    cls = type("Recording", (CrudExtension,), {name: make(name) for name in HOOKS})
    made: CrudExtension = cls()
    return made


both_ways = pytest.mark.parametrize("is_async", [False, True], ids=["plain", "coroutine"])


@both_ways
@pytest.mark.parametrize(
    ("filt", "tuples", "expected"),
    [
        ({}, None, ["after_new"]),
        ({"id": 1}, None, ["before_retrieve", "after_retrieve"]),
        ({"id": 99}, None, ["before_retrieve"]),
        (
            {},
            [ticket(title="b")],
            ["before_create", "after_create", "after_retrieve", "after_create_commit"],
        ),
        (
            {},
            [ticket(id=1, points=9)],
            [
                "after_retrieve",
                "before_update",
                "after_update",
                "after_retrieve",
                "after_update_commit",
            ],
        ),
        ({"delete": True, "id": 1}, None, ["before_delete", "after_delete", "after_delete_commit"]),
        ({"delete": True}, [ticket(id=99)], []),
    ],
)
async def test_hooks_are_called_in_order(
    board: Board, is_async: bool, filt: dict[str, Any], tuples: Any, expected: list[str]
) -> None:
    board.add_tickets("a")
    calls: list[str] = []
    board.handler(extensions=[recording(calls, is_async=is_async)])
    reply = await board.ask({**TICKET, **filt}, tuples)
    assert reply.is_success, reply
    assert calls == expected


@both_ways
async def test_commit_hooks_wait_for_all_rows(board: Board, is_async: bool) -> None:
    board.add_tickets("a")
    calls: list[str] = []
    board.handler(extensions=[recording(calls, is_async=is_async)])
    await board.ask(TICKET, [ticket(title="b"), ticket(id=1, points=9)])
    assert calls[-2:] == ["after_create_commit", "after_update_commit"]
    assert calls[-4:-2] == ["after_retrieve", "after_retrieve"]
    before = ["after_create", "after_retrieve", "after_update", "before_create", "before_update"]
    assert sorted(calls[:-4]) == before


@both_ways
async def test_no_commit_hook_is_called_when_nothing_is_committed(
    board: Board, is_async: bool
) -> None:
    board.add_tickets("a")
    calls: list[str] = []
    board.handler(extensions=[recording(calls, is_async=is_async)])
    reply = await board.ask(TICKET, [ticket(id=1, points=9), ticket(title=None)])
    assert not reply.is_success
    assert [call for call in calls if call.endswith("_commit")] == []


@both_ways
async def test_several_extensions_are_called_one_after_another(
    board: Board, is_async: bool
) -> None:
    calls: list[str] = []
    first = recording(calls, is_async=is_async, prefix="first ")
    second = recording(calls, is_async=not is_async, prefix="second ")
    board.handler(extensions=[first, second])
    await board.ask(TICKET, [ticket(title="b")])
    names = ["before_create", "after_create", "after_retrieve", "after_create_commit"]
    assert calls == [f"{who} {name}" for name in names for who in ("first", "second")]


async def test_extensions_may_be_named_by_model(board: Board) -> None:
    calls: list[str] = []
    of_tickets = recording(calls, is_async=False, prefix="ticket ")
    of_projects = recording(calls, is_async=True, prefix="project ")
    last = recording(calls, is_async=False, prefix="last ")
    board.handler(
        board.Ticket,
        CrudModel(board.Project, fields=["name"], type_name="board.Project", extensions=[last]),
        extensions={board.Ticket: [of_tickets], board.Project: [of_projects]},
    )
    names = ["before_create", "after_create", "after_retrieve", "after_create_commit"]
    await board.ask(TICKET, [ticket(title="a")])
    assert calls == [f"ticket {name}" for name in names]
    calls.clear()
    await board.ask(TICKET, [Record("board.Project", name="p")])
    assert calls == [f"{who} {name}" for name in names for who in ("project", "last")]
    with pytest.raises(DefinitionError, match="which is not served here"):
        board.handler(filt={"key": "other"}, extensions={board.Label: [last]})


async def test_an_extension_of_one_type_sees_only_that(board: Board) -> None:
    calls: list[str] = []
    extension = recording(calls, is_async=False)
    board.handler(
        board.Ticket,
        CrudModel(
            model=board.Project,
            fields=["id", "name"],
            type_name="board.Project",
            extensions=[extension],
        ),
    )
    await board.ask(TICKET, [ticket(title="a")])
    assert calls == []
    await board.ask(TICKET, [Record("board.Project", name="p"), ticket(title="b")])
    assert calls == ["before_create", "after_create", "after_retrieve", "after_create_commit"]


class Owning(CrudExtension):
    """Gives new rows to who makes them, which peers cannot."""

    def before_create(self, context: Context, change: Change) -> None:
        change.values["owner_id"] = context.request.user.pk


class OwningLater(CrudExtension):
    async def before_create(self, context: Context, change: Change) -> None:
        await asyncio.sleep(0)
        change.values["owner_id"] = context.request.user.pk


@pytest.mark.parametrize("extension", [Owning, OwningLater])
async def test_a_hook_sets_what_peers_may_not(board: Board, extension: Any) -> None:
    board.handler(extensions=[extension])
    assert (await board.ask(TICKET, [ticket(title="a")], user=ANN)).result is True
    assert board.database.rows()[0]["owner_id"] == ANN.pk


async def test_a_hook_sees_old_and_new_values_and_changes_them(board: Board) -> None:
    seen: list[Any] = []

    class Doubling(CrudExtension):
        def before_update(self, context: Context, change: Change) -> None:
            seen.append((change.old["points"], change.values["points"], change.index))
            change.values["points"] *= 2

    board.add_tickets("a", "b", points=8)
    board.handler(extensions=[Doubling()])
    reply = await board.ask(TICKET, [ticket(id=1, points=10), ticket(id=2, points=20)])
    assert sorted(seen) == [(8, 10, 0), (8, 20, 1)]
    assert [row["points"] for row in reply.tuples] == [20, 40]
    assert [row["points"] for row in board.database.rows()] == [20, 40]


async def test_what_a_hook_sets_is_validated(board: Board) -> None:
    class Long(CrudExtension):
        def before_create(self, context: Context, change: Change) -> None:
            change.values["title"] *= 100

    board.handler(extensions=[Long()])
    reply = await board.ask(TICKET, [ticket(title="a")])
    assert reply.result["errors"][0]["field"] == "title"
    assert board.titles() == []


@pytest.mark.parametrize(
    "hook", [name for name in HOOKS if name.split("_")[-1] in ("create", "update", "delete")]
)
@both_ways
async def test_a_hook_refuses_and_undoes_all(board: Board, hook: str, is_async: bool) -> None:
    def plain(self: Any, *arguments: Any) -> None:
        raise HandlerError("Not on Sundays")

    async def coroutine(self: Any, *arguments: Any) -> None:
        await asyncio.sleep(0)
        raise HandlerError("Not on Sundays")

    refusing = type("Refusing", (CrudExtension,), {hook: coroutine if is_async else plain})
    board.add_tickets("a", "b")
    board.handler(extensions=[refusing])
    before = board.database.everything()
    if hook.endswith("delete"):
        reply = await board.ask({**TICKET, "delete": True}, [ticket(id=1), ticket(id=2)])
    else:
        reply = await board.ask(TICKET, [ticket(title="c"), ticket(id=1, title="A")])
    assert "Not on Sundays" in reply.error
    assert board.database.everything() == before


@both_ways
async def test_a_commit_hook_that_fails_undoes_nothing(board: Board, is_async: bool) -> None:
    def plain(self: Any, *arguments: Any) -> None:
        raise ZeroDivisionError("secret")

    async def coroutine(self: Any, *arguments: Any) -> None:
        raise ZeroDivisionError("secret")

    hook = coroutine if is_async else plain
    failing = type("Failing", (CrudExtension,), {"after_create_commit": hook})
    board.handler(extensions=[failing])
    reply = await board.ask(TICKET, [ticket(title="a")])
    assert "secret" not in reply.text
    assert board.titles() == ["a"]


async def test_a_hook_that_gives_a_coroutine_is_waited_for(board: Board) -> None:
    seen: list[int] = []

    async def note(context: Any, row: Any) -> None:
        seen.append(row.id)

    class Giving(CrudExtension):
        def after_create(self, context: Any, row: Any) -> Any:
            return note(context, row)

        def after_create_commit(self, context: Any, row: Any) -> Any:
            return note(context, row)

    board.handler(extensions=[Giving()])
    await board.ask(TICKET, [ticket(title="a")])
    assert seen == [1, 1]


async def test_commit_hooks_see_what_is_committed(board: Board) -> None:
    seen: dict[str, Any] = {}

    class Looking(CrudExtension):
        def after_create(self, context: Context, row: Any) -> None:
            seen["inside"] = board.titles()

        def after_create_commit(self, context: Context, row: Any) -> None:
            seen["after"] = board.titles()
            seen["row"] = (row.id, row.title)

    board.handler(extensions=[Looking()])
    await board.ask(TICKET, [ticket(title="a")])
    assert seen == {"inside": [], "after": ["a"], "row": (1, "a")}


async def test_what_is_read_is_changed_for_the_peer_only(board: Board) -> None:
    class Shouting(CrudExtension):
        async def after_retrieve(self, context: Context, row: Any, values: dict[str, Any]) -> None:
            values["title"] = values["title"].upper()

    board.add_tickets("a", "b")
    board.handler(extensions=[Shouting()], retrieve_all=True)
    assert [row["title"] for row in (await board.ask()).tuples] == ["A", "B"]
    assert (await board.ask({**TICKET, "id": 1})).tuples[0]["title"] == "A"
    assert board.titles() == ["a", "b"]


async def test_an_unsaved_row_is_filled_in(board: Board) -> None:
    class Suggesting(CrudExtension):
        def after_new(self, context: Context, values: dict[str, Any]) -> None:
            values["title"] = "Untitled"

    board.handler(extensions=[Suggesting()])
    assert (await board.ask()).tuples[0]["title"] == "Untitled"


async def test_a_hook_reads_and_writes_more_in_the_transaction(board: Board) -> None:
    class Counting(CrudExtension):
        def after_create(self, context: Context, row: Any) -> None:
            first = context.rows.get_many([(1,)])[1,]
            context.rows.set_values(first, {"points": first.points + 1})
            context.rows.update(first, ["points"])

    board.add_tickets("counter", points=0)
    board.handler(extensions=[Counting()])
    await board.ask(TICKET, [ticket(title="a"), ticket(title="b")])
    assert board.database.rows()[0]["points"] == 2
    await board.ask(TICKET, [ticket(title="c"), ticket(title=None)])
    assert board.database.rows()[0]["points"] == 2


class Processing(OrmCrudHandler):
    calls: list[str]

    def pre_process(self, request: Request) -> None:
        self.calls.append("pre")
        if request.filt.get("closed"):
            raise HandlerError("Closed")

    def post_process(self, request: Request, payload: Any) -> None:
        self.calls.append(f"post {len(payload.tuples)}")


class ProcessingLater(OrmCrudHandler):
    calls: list[str]

    async def pre_process(self, request: Request) -> None:
        await asyncio.sleep(0)
        self.calls.append("pre")
        if request.filt.get("closed"):
            raise HandlerError("Closed")

    async def post_process(self, request: Request, payload: Any) -> None:
        await asyncio.sleep(0)
        self.calls.append(f"post {len(payload.tuples)}")


@pytest.mark.parametrize("cls", [Processing, ProcessingLater])
async def test_a_handler_is_processed_before_and_after(board: Board, cls: Any) -> None:
    board.add_tickets("a")
    handler = board.handler(cls=cls)
    handler.calls = []
    await board.ask({**TICKET, "id": 1})
    assert handler.calls == ["pre", "post 1"]
    handler.calls.clear()
    refused = await board.ask({**TICKET, "id": 1, "closed": True})
    assert (refused.error, handler.calls) == ("Closed", ["pre"])
