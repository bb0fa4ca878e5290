"""As in the tests of applications: handlers run in the thread of the test, in its transaction."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.db import connections, transaction

from django_vortex.orm.crud.extension import Change, Context, CrudExtension
from django_vortex.routing.permissions import Action, Permission
from django_vortex.routing.request import Request
from django_vortex.testing import connect
from tests.crud.boards import (
    STORES,
    TICKET,
    Board,
    Place,
    make_django_board,
    open_board,
    open_place,
    ticket,
)
from tests.crud.fixtures import FindDatabase


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, find_database: FindDatabase) -> Iterator[Place]:
    """Each store over an empty database."""
    with open_place(f"{request.param}-sqlite", find_database) as place:
        yield place


@pytest.fixture
async def inline(place: Place) -> AsyncIterator[Board]:
    """A board without threads."""
    async with open_board(place, None) as board:
        yield board


class Shouting(CrudExtension):
    async def before_create(self, context: Context, change: Change) -> None:
        await asyncio.sleep(0)
        change.values["title"] = change.values["title"].upper()

    async def after_create_commit(self, context: Context, row: Any) -> None:
        await asyncio.sleep(0)


class Slow(Permission):
    async def allows(self, request: Request, action: Action) -> bool:
        await asyncio.sleep(0)
        return action is not Action.DELETE

    async def scope(self, request: Request, action: Action) -> Any:
        await asyncio.sleep(0)
        return {"points__lt": 10}


async def test_rows_are_created_read_changed_and_deleted(inline: Board) -> None:
    inline.handler(retrieve_all=True)
    async with inline.connected() as peer:
        await peer.ask(TICKET, [ticket(title="a"), ticket(title="b")])
        await peer.ask(TICKET, [ticket(id=1, title="A")])
        assert [row["title"] for row in (await peer.ask(TICKET)).tuples] == ["A", "b"]
        await peer.ask({**TICKET, "delete": True, "id": 2})
    assert inline.titles() == ["A"]


async def test_coroutines_of_the_application_are_waited_for(inline: Board) -> None:
    inline.add_tickets("many", points=50)
    inline.handler(extensions=[Shouting], permission=Slow, retrieve_all=True)
    async with inline.connected() as peer:
        assert (await peer.ask(TICKET, [ticket(title="a")])).result is True
        assert [row["title"] for row in (await peer.ask(TICKET)).tuples] == ["A"]
        assert not (await peer.ask({**TICKET, "delete": True, "id": 2})).is_success
    assert inline.titles() == ["many", "A"]


@pytest.fixture
def plain(find_database: FindDatabase) -> Iterator[Board]:
    """A board over Django for tests that are no coroutines."""
    with open_place("django-sqlite", find_database) as place:
        yield make_django_board(place.database)


def test_a_plain_test_sees_what_its_transaction_has_not_committed(plain: Board) -> None:
    plain.handler(extensions=[Shouting], permission=Slow)
    with transaction.atomic(using=plain.database.alias):
        plain.Ticket.objects.using(plain.database.alias).create(title="mine")
        with connect(payload_io=plain.payload_io) as peer:
            [row] = peer.request({**TICKET, "id": 1}).tuples
            assert row.title == "mine"
            row.title = "changed"
            assert peer.request(TICKET, [row]).result is True
            row.id, row.title = None, "new"
            assert peer.request(TICKET, [row]).tuples[0].title == "NEW"
        assert plain.titles() == []
        transaction.set_rollback(True, using=plain.database.alias)
    assert plain.titles() == []
    assert not connections[plain.database.alias].in_atomic_block


def test_a_failure_leaves_the_transaction_of_the_test_usable(plain: Board) -> None:
    plain.handler()
    with transaction.atomic(using=plain.database.alias):
        with connect(payload_io=plain.payload_io) as peer:
            [row] = peer.request(TICKET).tuples
            row.title = "x" * 99
            assert peer.request(TICKET, [row]).result["error"] == "validation"
        assert plain.Ticket.objects.using(plain.database.alias).count() == 0


def test_a_push_waits_for_the_commit_of_the_test(plain: Board) -> None:
    plain.add_tickets("a")
    handler = plain.handler()
    with connect(payload_io=plain.payload_io) as peer:
        with transaction.atomic(using=plain.database.alias):
            handler.send_model_update(1)
            plain.Ticket.objects.using(plain.database.alias).update(title="b")
            assert peer.unread == []
        assert peer.receive({**TICKET, "id": 1}).tuples[0].title == "b"
