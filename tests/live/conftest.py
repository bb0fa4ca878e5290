"""Real databases of these tests, and whoever listens to what is told."""

from collections.abc import Iterator
from typing import Any

import pytest

from django_vortex.live.telling import telling
from tests.crud.fixtures import *  # noqa: F403
from tests.live.django_place import Place, Templates


@pytest.fixture(autouse=True)
def database_access(django_db_blocker: Any) -> Iterator[None]:
    """Let Django use the databases, without the transaction that pytest-django puts around."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="session")
def templates(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Templates:
    """Databases of Django to be copied, made when first asked for."""
    directory = tmp_path_factory.mktemp("live")
    return Templates(directory, lambda: request.getfixturevalue("postgres"))


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, templates: Templates) -> Iterator[Place]:
    """A database of Django with some rows, once of each kind."""
    with templates.open(request.param) as place:
        yield place


@pytest.fixture
def sqlite(templates: Templates) -> Iterator[Place]:
    """The same in a file of SQLite only."""
    with templates.open("sqlite") as place:
        yield place


@pytest.fixture(params=["postgres"])
def on_postgres(request: pytest.FixtureRequest, templates: Templates) -> Iterator[Place]:
    """The same in PostgreSQL only."""
    with templates.open(request.param) as place:
        yield place


@pytest.fixture
def unheard() -> Iterator[None]:
    """Nobody listens."""
    with telling.heard_by(None):
        yield
