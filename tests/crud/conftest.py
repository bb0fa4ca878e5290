"""Boards over every store and every database.

Plain handlers run in the thread pool that servers use; `test_inline` has them in the test's thread.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from django_vortex.transports.threads import BlockingPool
from tests.crud.boards import BOARDS, Board, Place, open_board, open_place
from tests.crud.fixtures import *  # noqa: F403
from tests.crud.fixtures import FindDatabase


@pytest.fixture(autouse=True)
def database_access(django_db_blocker: Any) -> Iterator[None]:
    """Let Django use the databases, without the transaction that pytest-django puts around."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="session")
def pool() -> Iterator[BlockingPool]:
    """The threads of a server."""
    pool = BlockingPool(4, "crud")
    yield pool
    pool.stop()


@pytest.fixture(params=BOARDS)
def place(request: pytest.FixtureRequest, find_database: FindDatabase) -> Iterator[Place]:
    """A store over an empty database, each over each."""
    with open_place(request.param, find_database) as place:
        yield place


@pytest.fixture
async def board(place: Place, pool: BlockingPool) -> AsyncIterator[Board]:
    """An empty board, once over each store and database."""
    async with open_board(place, pool) as board:
        yield board
