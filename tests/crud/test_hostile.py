"""What hostile peers send: each gets a clear error, changes nothing and learns nothing."""

import datetime
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from django_vortex.wire.dialects import Dialect
from tests.crud.asking import Asker, Record, Reply
from tests.crud.boards import ANN, BOB, FIELDS, TICKET, Board, over_core_tables, ticket

pytestmark = over_core_tables

SECRET = "hidden"


@pytest.fixture
def dialect() -> Dialect:
    """What the peer speaks; a test may parametrize it."""
    return Dialect.NATIVE


@pytest.fixture
async def peer(board: Board, dialect: Dialect) -> AsyncIterator[Asker]:
    """Ann at a board where a row is hers, one is Bob's, and much is not shown to anybody."""
    board.database.add("project", name="p", code=SECRET)
    board.database.add("project", name="q", code=SECRET)
    board.add_tickets("anns", owner_id=ANN.pk, secret=SECRET, project_id=1)
    board.add_tickets("bobs", owner_id=BOB.pk, secret=SECRET, project_id=2)
    board.handler(
        fields=[*FIELDS, "version", "owner_id"],
        read_only_fields=["owner_id"],
        retrieve_all=True,
        filters=["state", "title", "points__in"],
        ordering=["title"],
        get_queryset=lambda request: board.owned(request.user.pk),
    )
    async with board.connected(ANN, dialect) as peer:
        yield peer


class Unchanged:
    """Asks, and checks that it was refused without consequence."""

    def __init__(self, board: Board, peer: Asker) -> None:
        self._board, self._peer = board, peer

    async def refuse(
        self, tuples: list[Any] | None, *words: str, filt: dict[Any, Any] | None = None
    ) -> Reply:
        before = self._board.database.everything()
        reply = await self._peer.ask({**TICKET, **(filt or {})}, tuples)
        assert not reply.is_success, reply
        assert reply.tuples == []
        for word in words:
            assert word in str(reply.result)
        assert "could not answer" not in str(reply.result)
        for leak in (SECRET, "bobs", "Traceback", "crud_ticket", "sqlalchemy", "SELECT"):
            assert leak not in reply.text
        assert self._board.database.everything() == before
        return reply


@pytest.fixture
def asking(board: Board, peer: Asker) -> Unchanged:
    return Unchanged(board, peer)


@pytest.mark.parametrize("name", ["nonsense", "secret", "project", "project_id", "pk", "__class__"])
async def test_a_field_that_is_not_served(asking: Unchanged, name: str) -> None:
    await asking.refuse([ticket(id=1, title="x", **{name: 2})], name)
    await asking.refuse([ticket(title="x", **{name: 2})], name)


@pytest.mark.parametrize("name", ["save", "delete", "_state", "_sa_instance_state", "metadata"])
async def test_a_name_that_the_class_uses_itself(board: Board, peer: Asker, name: str) -> None:
    before = board.database.everything()
    await peer.ask({**TICKET, "id": 1}, [ticket(id=1, **{name: "x"})])
    assert board.database.everything() == before
    assert (await peer.ask(TICKET, [ticket(id=1, points=7)])).result is True


async def test_a_field_that_is_read_only(asking: Unchanged) -> None:
    await asking.refuse([ticket(id=1, owner_id=BOB.pk)], "owner_id")
    await asking.refuse([ticket(title="x", owner_id=BOB.pk)], "owner_id")


async def test_a_read_only_field_that_comes_back_as_it_was_is_fine(
    board: Board, peer: Asker
) -> None:
    [row] = (await peer.ask({**TICKET, "id": 1})).tuples
    row.fields["points"] = 7
    reply = await peer.ask(TICKET, [row])
    assert (reply.result, reply.tuples[0]["points"]) == (True, 7)


async def test_a_type_that_nobody_serves(asking: Unchanged) -> None:
    await asking.refuse([ticket(title="x"), Record("auth.User", id=1, is_staff=True)], "auth.User")


async def test_a_type_that_another_handler_serves(board: Board, asking: Unchanged) -> None:
    board.handler(
        board.Project,
        filt={"key": "board.project"},
        fields=["id", "name"],
        type_name="board.Project",
    )
    await asking.refuse([ticket(title="x"), Record("board.Project", id=1, name="mine")])
    await asking.refuse([Record("board.Project", id=1)], filt={"delete": True})


async def test_the_row_of_another_user(asking: Unchanged) -> None:
    reply = await asking.refuse([ticket(id=2, title="x")], "2")
    missing = await asking.refuse([ticket(id=9, title="x")], "9")
    assert str(reply.result).replace("2", "9") == str(missing.result)


async def test_the_row_of_another_user_among_own(asking: Unchanged) -> None:
    await asking.refuse([ticket(title="x"), ticket(id=1, title="x"), ticket(id=2, title="x")])


@pytest.mark.parametrize("tuples", [None, []])
@pytest.mark.parametrize("key", [{}, {"id": None}])
async def test_delete_without_anything(asking: Unchanged, tuples: Any, key: dict[str, Any]) -> None:
    await asking.refuse(tuples, "id", filt={"delete": True, **key})


async def test_delete_of_an_unsaved_tuple_deletes_nothing(board: Board, peer: Asker) -> None:
    before = board.database.everything()
    for unsaved in ({}, {"id": None}, {"id": ""}):
        await peer.ask({**TICKET, "delete": True}, [ticket(**unsaved, title="anns")])
        assert board.database.everything() == before


@pytest.mark.parametrize("delete", [{}, {"delete": True}])
async def test_ten_thousand_tuples(asking: Unchanged, delete: dict[str, Any]) -> None:
    await asking.refuse([ticket(id=n, title="x") for n in range(10_000)], "10000", filt=delete)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", 5),
        ("title", ["x"]),
        ("title", {"a": 1}),
        ("title", b"x"),
        ("title", True),
        ("points", "5"),
        ("points", 1.5),
        ("points", [1]),
        ("points", float("nan")),
        ("state", 1),
        ("due", "2024-06-01"),
        ("due", 5),
        ("price", "x"),
        ("price", float("inf")),
        ("price", [1]),
        ("title", Record("board.Ticket", id=1)),
    ],
)
async def test_a_value_of_another_type(
    peer: Asker, asking: Unchanged, field: str, value: Any
) -> None:
    await asking.refuse([ticket(**{"id": 1, field: value})], field)
    await asking.refuse([ticket(**{"title": "x", field: value})], field)


@pytest.mark.parametrize(
    "key", [[1], {"a": 1}, "1 OR 1=1", "x", 1.5, True, b"1", 2**80, -1, [1, 2], float("nan")]
)
async def test_an_id_of_another_type(board: Board, peer: Asker, key: Any) -> None:
    before = board.database.everything()
    replies = [
        await peer.ask({**TICKET, "id": key}),
        await peer.ask(TICKET, [ticket(id=key, title="x")]),
        await peer.ask({**TICKET, "delete": True}, [ticket(id=key)]),
        await peer.ask({**TICKET, "delete": True, "id": key}),
    ]
    for reply in replies:
        assert reply.tuples == [] or not reply.is_success or reply.result is True
        assert "could not answer" not in str(reply.result)
        assert "bobs" not in reply.text
    assert not replies[1].is_success
    assert board.database.everything() == before


@pytest.mark.parametrize("position", [0, 1, 2])
async def test_none_in_the_array(asking: Unchanged, position: int) -> None:
    tuples: list[Any] = [ticket(title="x"), ticket(id=1, title="x")]
    tuples.insert(position, None)
    await asking.refuse(tuples, str(position))


@pytest.mark.parametrize("value", [5, "x", {"id": 1}, [1], datetime.date(2024, 1, 1), []])
@pytest.mark.parametrize("delete", [{}, {"delete": True}])
async def test_something_else_in_the_array(
    asking: Unchanged, value: Any, delete: dict[str, Any]
) -> None:
    await asking.refuse([ticket(id=1), value], filt=delete)


@pytest.mark.parametrize(
    "value",
    [
        "'; DROP TABLE crud_ticket; --",
        "x' OR '1'='1",
        "%s %(a)s {} :title ?",
        'a"b`c\\d',
        "UPPER(title)",
    ],
)
async def test_sql_in_values_is_text(board: Board, peer: Asker, value: str) -> None:
    reply = await peer.ask(TICKET, [ticket(id=1, title=value)])
    assert (reply.result, reply.tuples[0]["title"]) == (True, value)
    assert [row["title"] for row in board.database.rows()] == [value, "bobs"]
    found = await peer.ask({**TICKET, "where": {"title": value}})
    assert [row["title"] for row in found.tuples] == [value]
    assert (await peer.ask({**TICKET, "where": {"title": f"{value} "}})).tuples == []
    missing = await peer.ask({**TICKET, "id": value})
    assert "bobs" not in missing.text


@pytest.mark.parametrize("value", ["nul \x00 byte", "lone \ud800 surrogate"])
async def test_text_that_a_database_cannot_hold(board: Board, peer: Asker, value: str) -> None:
    reply = await peer.ask(TICKET, [ticket(id=1, title=value)])
    assert "could not answer" not in str(reply.result)
    assert "could not answer" not in str((await peer.ask({**TICKET, "id": value})).result)
    found = await peer.ask({**TICKET, "where": {"title": value}})
    assert "could not answer" not in str(found.result)


@pytest.mark.parametrize(
    "where",
    [
        {"secret": "h"},
        {"secret__startswith": "h"},
        {"project__code": "x"},
        {"project__code__startswith": "h"},
        {"owner_id": 8},
        {"title__startswith": "b"},
        {"points": 3},
        {"pk": 2},
        {"id": 2},
        {"state__nonsense": 1},
        {"": 1},
        {"title": ["x"]},
        {"title": {"a": 1}},
        {"points__in": "x"},
        {"points__in": [[1]]},
        {"points__in": list(range(5000))},
        [["title", "x"]],
        "title = 'x'",
        5,
        {5: 5},
        {"1=1) OR (1": "1"},
    ],
)
async def test_a_filter_that_is_not_declared(asking: Unchanged, where: Any) -> None:
    await asking.refuse(None, "where", filt={"where": where})


@pytest.mark.parametrize(
    "order",
    [
        ["project__code"],
        ["-project__code"],
        ["project"],
        ["secret"],
        ["-secret"],
        ["--title"],
        ["?"],
        ["points"],
        ["title; DROP TABLE x"],
        [5],
        [["title"]],
        [None],
        5,
        {"title": 1},
        "secret",
    ],
)
async def test_an_order_that_is_not_declared(asking: Unchanged, order: Any) -> None:
    await asking.refuse(None, "order", filt={"order": order})


@pytest.mark.parametrize("limit", [0, -1, 10**9, 10**30, "5", 1.5, True, [1], float("nan")])
async def test_a_limit_that_is_none(asking: Unchanged, limit: Any) -> None:
    await asking.refuse(None, "limit", filt={"limit": limit})


@pytest.mark.parametrize(
    "after",
    ["", "x", "ü", 5, ["a"], {"a": 1}, True, "W10=", "eyJhIjoxfQ==", "WyJpZCIsWzFdXQ=", b"x"],
)
async def test_a_cursor_that_is_none(asking: Unchanged, after: Any) -> None:
    await asking.refuse(None, "after", filt={"limit": 1, "after": after})


async def test_a_handler_with_one_row_at_a_time_gives_no_list(board: Board) -> None:
    board.add_tickets("a")
    board.handler(filters=["state"])
    reply = await board.ask({**TICKET, "where": {"state": "open"}})
    assert not reply.is_success


async def test_where_does_not_narrow_what_is_deleted_or_saved(board: Board, peer: Asker) -> None:
    """It is refused or ignored, but never takes the place of an id."""
    before = board.database.everything()
    reply = await peer.ask({**TICKET, "delete": True, "where": {"state": "open"}})
    assert not reply.is_success
    assert board.database.everything() == before


@pytest.mark.parametrize("dialect", [Dialect.D1, Dialect.D2])
async def test_released_clients_are_refused_the_same(asking: Unchanged, dialect: Dialect) -> None:
    await asking.refuse([ticket(id=1, title="x", secret="y")], "secret")
    await asking.refuse([ticket(id=1, owner_id=BOB.pk)], "owner_id")
    await asking.refuse([ticket(title="x"), Record("auth.User", id=1)], "auth.User")
    await asking.refuse([ticket(title="x"), ticket(id=2, title="x")], "no row 2")
    await asking.refuse([ticket(title="x"), None], "None")
    await asking.refuse([ticket(id=1, points="5")], "points")
    await asking.refuse(None, "id", filt={"delete": True})
    await asking.refuse(None, "where", filt={"where": {"project__code__startswith": "h"}})
    reply = await asking.refuse(None, "order", filt={"order": ["project__code"]})
    assert isinstance(reply.result, str)


@pytest.mark.parametrize("removes", [True, False])
@pytest.mark.parametrize("count", [200, 10_000])
async def test_nothing_is_decoded_of_who_may_not_write(
    board: Board, removes: bool, count: int
) -> None:
    """What can not be decoded would be told first."""
    board.handler(permission=None)
    broken = [Record("no.such_type", text="x" * 20) for _ in range(count)]
    reply = await board.ask({**TICKET, **({"delete": True} if removes else {})}, broken, user=None)
    assert "You may not" in str(reply.result)
    reply = await board.ask(TICKET, broken, user=ANN)
    assert "no.such_type" in str(reply.result)


@pytest.mark.parametrize("name", ["delete", "id", "where", "order", "page", "after", "other"])
@pytest.mark.parametrize(
    "value",
    [Decimal("sNaN"), Decimal("NaN"), float("nan"), 2**10_000, {Decimal(1): 2}],
    ids=["snan", "nan", "float", "int", "map"],
)
async def test_a_number_that_cannot_be_compared_in_the_filt(
    peer: Asker, name: str, value: Any
) -> None:
    for tuples in (None, [ticket(id=1, title="x")]):
        reply = await peer.ask({**TICKET, name: value}, tuples)
        assert "could not answer" not in str(reply.result)
