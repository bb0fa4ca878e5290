"""A key of a filt that nothing reads is an error for who speaks our own dialect."""

from typing import Any

import pytest

from django_vortex.orm.crud.handler import OrmCrudHandler
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.request import Request
from django_vortex.wire.dialects import Dialect
from tests.crud.boards import TICKET, Board

SLIPS = [("oder", "order"), ("limt", "limit"), ("were", "where"), ("delet", "delete")]


@pytest.mark.parametrize(("key", "meant"), SLIPS)
async def test_a_slip_is_told(board: Board, key: str, meant: str) -> None:
    board.handler(retrieve_all=True)
    error = (await board.ask({**TICKET, key: 1})).error
    assert f"{key!r} means nothing here. Did you mean {meant!r}? - at `filt`" in error


async def test_any_other_key_is_told(board: Board) -> None:
    board.handler(retrieve_all=True)
    assert (
        "'nonsense' means nothing here - at `filt`"
        in (await board.ask({**TICKET, "nonsense": 1})).error
    )


@pytest.mark.parametrize(
    "dialect", [one for one in Dialect if not one.is_native and one is not Dialect.D0]
)
async def test_released_clients_go_on(board: Board, dialect: Dialect) -> None:
    board.add_tickets("a")
    board.handler(retrieve_all=True)
    reply = await board.ask({**TICKET, "oder": 1}, dialect=dialect)
    assert len(reply.tuples) == 1


async def test_a_key_of_another_endpoint_that_hears_it_is_none_of_these(board: Board) -> None:
    board.add_tickets("a")
    board.handler(retrieve_all=True)
    heard: list[Any] = []

    def hear(request: Request) -> None:
        heard.append(request.filt["oder"])

    endpoint = PayloadEndpoint({**TICKET, "oder": 1}, hear, payload_io=board.payload_io)
    async with board.connected() as peer:
        replies = await peer.send({**TICKET, "oder": 1})
    assert heard == [1]
    assert [len(reply.tuples) for reply in replies] == [1]
    del endpoint


class Reading(OrmCrudHandler):
    def pre_process(self, request: Request) -> None:
        assert request.filt.get("closed", True) is True


async def test_the_application_may_have_keys_of_its_own_but_no_slips(board: Board) -> None:
    board.add_tickets("a")
    board.handler(retrieve_all=True, cls=Reading)
    assert len((await board.ask({**TICKET, "closed": True})).tuples) == 1
    assert "Did you mean 'order'" in (await board.ask({**TICKET, "oder": ["id"]})).error
