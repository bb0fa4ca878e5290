"""Every release of VortexPY reads and writes the rows of every store and database."""

from typing import Any

import pytest

from tests.crud.fixtures import *  # noqa: F403
from tests.crud.fixtures import FindDatabase
from tests.interop.originals.driver import OriginalClient
from tests.interop.originals.notation import Record
from tests.support.fixtures import StartServer

TYPES = {"django": "Django", "sqlalchemy": "Alchemy", "async": "Alchemy"}
"""By store: how the names of its tuple types begin."""


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


@pytest.fixture(params=TYPES)
def store(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def change(row: Record, **fields: Any) -> Record:
    """Return a tuple as it came, with some fields changed."""
    return Record(row.type_name, {**row.fields, **fields})


def read_all(client: OriginalClient, store: str) -> dict[Any, Any]:
    """Return all titles by id."""
    reply = client.request({"key": f"crud.{store}.all"})
    assert reply.result is None
    return {row.fields["id"]: row.fields["title"] for row in reply.tuples or []}


def test_a_row_lives_and_dies(store: str, client: OriginalClient) -> None:
    filt = {"key": f"crud.{store}"}
    unsaved = client.request(filt)
    [new] = unsaved.tuples or []
    assert (unsaved.result, new.class_name) == (None, f"{TYPES[store]}Ticket")
    assert (new.fields["id"], new.fields["points"], new.fields["state"]) == (None, 3, "open")
    assert read_all(client, store) == {}

    new = change(new, title="first", price=1.5)
    created = client.request(filt, [new, change(new, title="second")])
    assert (created.told, created.result) == (None, True)
    first, second = created.tuples or []
    assert first == change(new, id=first.fields["id"])
    assert isinstance(first.fields["id"], int)
    one, other = ({**filt, "id": row.fields["id"]} for row in (first, second))
    read = client.request(one)
    assert (read.result, read.tuples) == (None, [first])
    assert read_all(client, store) == {one["id"]: "first", other["id"]: "second"}

    changed = client.request(filt, [change(first, title="changed", points=5)])
    assert changed.result is True
    assert changed.tuples == [change(first, title="changed", points=5)]
    assert client.request(one).tuples == changed.tuples

    refused = client.request(filt, [change(second, points=9), change(first, title="x" * 41)])
    assert "title" in str(refused.told)
    assert (client.request(one).tuples, client.request(other).tuples) == (changed.tuples, [second])

    deleted = client.request({**filt, "delete": True}, [first])
    assert (deleted.result, deleted.tuples) == (True, [])
    assert client.request(one).tuples == []
    assert read_all(client, store) == {other["id"]: "second"}
    deleted = client.request({**other, "delete": True})
    assert (deleted.result, deleted.tuples) == (True, [])
    assert read_all(client, store) == {}


def test_tuples_of_different_types_live_and_die_together(
    store: str, client: OriginalClient
) -> None:
    filt = {"key": f"crud.{store}"}
    [new] = client.request(filt).tuples or []
    project = Record(f"crud.{TYPES[store]}Project", {"id": None, "name": "p", "code": "c"})
    made = client.request(filt, [change(new, title="a"), project, change(new, title="b")])
    assert (made.told, made.result) == (None, True)
    kinds = [f"{TYPES[store]}{name}" for name in ("Ticket", "Project", "Ticket")]
    rows = made.tuples or []
    assert [row.class_name for row in rows] == kinds
    ids = [row.fields["id"] for row in rows]

    wanted = [change(rows[1], name="q"), change(rows[2], points=8), change(rows[0], title="A")]
    changed = client.request(filt, wanted)
    assert (changed.result, changed.tuples) == (True, wanted)
    assert read_all(client, store) == {ids[0]: "A", ids[2]: "b"}

    gone = client.request({**filt, "delete": True}, [wanted[0], wanted[1]])
    assert (gone.result, gone.tuples) == (True, [])
    assert read_all(client, store) == {ids[0]: "A"}
    again = client.request(filt, [wanted[0]])
    assert "There is no row" in str(again.told)
    left = client.request({"key": f"crud.{store}.all", "delete": True}, [wanted[2]])
    assert (left.result, left.tuples) == (True, [])
