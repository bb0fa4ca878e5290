"""VortexPY 6.2.2 creates, reads, changes and deletes rows of every store and database."""

from typing import Any

import pytest

from tests.crud.fixtures import *  # noqa: F403
from tests.crud.fixtures import FindDatabase
from tests.interop.conftest import StartOriginal
from tests.interop.originals.driver import OriginalClient
from tests.interop.originals.notation import Record
from tests.support.fixtures import StartServer

TYPES = {"django": "crud.DjangoTicket", "sqlalchemy": "crud.AlchemyTicket"}
TYPES["async"] = TYPES["sqlalchemy"]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(
    request: pytest.FixtureRequest, start_server: StartServer, find_database: FindDatabase
) -> Any:
    """A server with empty tables."""
    of_django = find_database(request.param, "django")
    of_sqlalchemy = find_database(request.param, "sqlalchemy")
    of_django.clear()
    of_sqlalchemy.clear()
    kind = "postgresql" if request.param == "postgres" else "sqlite3"
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.interop.crud_app.settings",
        "CRUD_ENGINE": f"django.db.backends.{kind}",
        "CRUD_NAME": of_django.name,
        "CRUD_HOST": of_django.host,
        "CRUD_URL": of_sqlalchemy.url().render_as_string(),
        "CRUD_ASYNC_URL": of_sqlalchemy.url(is_async=True).render_as_string(),
    }
    return start_server("uvicorn", env=environment)


@pytest.fixture(scope="module", params=["websocket", "http"])
def client(
    request: pytest.FixtureRequest, server: Any, start_original: StartOriginal
) -> OriginalClient:
    client = start_original(request.param, server.port)
    client.connect()
    return client


@pytest.mark.parametrize("store", ["django", "sqlalchemy", "async"])
def test_a_row_lives_and_dies(store: str, client: OriginalClient) -> None:
    filt = {"key": f"crud.{store}"}

    def make(**fields: Any) -> Record:
        return Record(TYPES[store], fields)

    new = make(id=None, title="first", state="open", points=3, price=1.5)
    created = client.request(filt, [new, make(**{**new.fields, "title": "second"})])
    assert (created.failure, created.result) == (None, True)
    first, second = created.tuples or []
    assert first.class_name.endswith("Ticket")
    assert (first.fields["title"], second.fields["title"]) == ("first", "second")
    key = first.fields["id"]
    assert isinstance(key, int)

    read = client.request({**filt, "id": key})
    assert (read.result, read.tuples) == (None, [first])
    assert first.fields == {**new.fields, "id": key}

    changed = client.request(filt, [make(**{**first.fields, "title": "changed", "points": 5})])
    assert changed.result is True
    assert client.request({**filt, "id": key}).tuples == changed.tuples
    assert [row.fields["points"] for row in changed.tuples or []] == [5]

    refused = client.request(filt, [make(**{**first.fields, "title": "x" * 41})])
    assert "title" in str(refused.failure or refused.result)
    assert client.request({**filt, "id": key}).tuples == changed.tuples

    deleted = client.request({**filt, "delete": True}, [first])
    assert (deleted.result, len(deleted.tuples or [])) == (True, 1 if store == "async" else 0)
    assert client.request({**filt, "delete": True, "id": second.fields["id"]}).result is True
    assert client.request({**filt, "id": key}).tuples == []


def test_an_unsaved_row_has_the_defaults(client: OriginalClient) -> None:
    [new] = client.request({"key": "crud.django"}).tuples or []
    assert (new.fields["id"], new.fields["points"], new.fields["state"]) == (None, 3, "open")
