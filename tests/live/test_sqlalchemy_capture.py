"""Every write of SQLAlchemy is told after its commit, and what is rolled back is not.

A second connection proves at each telling that what is told can be seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from django_vortex.live.changes import Change, Operation
from django_vortex.live.telling import telling
from django_vortex.orm.databases import name_database
from django_vortex.orm.sqlalchemy import capture
from tests.live.shelf import Contents, fill, make_engine, read_all
from tests.live.sqlalchemy_cases import CASES, Place
from tests.support.postgres import USER, PostgresServer

PAIRS = [(name, kind) for name, case in CASES.items() for kind in case.databases]


@dataclass(frozen=True)
class Telling:
    """What was told once, and what others could see then."""

    changes: Sequence[Change]
    seen: Contents


class Ear:
    """Listens, and looks at the database each time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.tellings: list[Telling] = []

    def __call__(self, changes: Sequence[Change]) -> None:
        self.tellings.append(Telling(list(changes), read_all(self._engine)))


@pytest.fixture(scope="session")
def places(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Return the place of a kind of database."""
    made: dict[str, Place] = {}

    def find(kind: str) -> Place:
        if kind not in made:
            made[kind] = make_place(kind)
        return made[kind]

    def make_place(kind: str) -> Place:
        if kind == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres")
            server.create_database("shelf")
            url = URL.create(
                "postgresql+psycopg", USER, database="shelf", query={"host": server.host}
            )
            async_url = url.set(drivername="postgresql+asyncpg")
        else:
            path = tmp_path_factory.mktemp("live") / "shelf.sqlite3"
            url = URL.create("sqlite", database=str(path))
            async_url = url.set(drivername="sqlite+aiosqlite")
        was_installed = capture.is_installed()
        if was_installed:
            capture.uninstall()
        old = make_engine(url)
        with old.connect() as link:
            link.execute(sa.text("SELECT 1"))
        if was_installed:
            capture.install()
        return Place(make_engine(url), old, url, async_url)

    yield find
    for place in made.values():
        place.engine.dispose()
        place.old_engine.dispose()


@pytest.fixture
def installed() -> Iterator[None]:
    was_installed = capture.is_installed()
    capture.install()
    yield
    if not was_installed:
        capture.uninstall()


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_what_changes_is_told_and_can_be_seen(
    name: str, kind: str, places: Any, installed: None, caplog: pytest.LogCaptureFixture
) -> None:
    place, case = places(kind), CASES[name]
    reader = make_engine(place.url)
    fill(place.engine)
    before = read_all(reader)
    ear = Ear(reader)
    with telling.heard_by(ear):
        case.write(place)
    after = read_all(reader)
    reader.dispose()
    assert not [one for one in caplog.records if one.name.startswith("django_vortex")]
    changed = find_changed(before, after)
    if not case.is_told:
        assert not ear.tellings
        assert bool(changed) is not case.is_seen
        return
    assert changed
    for table, key in changed:
        assert_told(ear, place, table, key, before, after)


def find_changed(before: Contents, after: Contents) -> list[tuple[str, tuple[Any, ...]]]:
    return [
        (table, key)
        for table in before
        for key in sorted(before[table].keys() | after[table].keys())
        if before[table].get(key) != after[table].get(key)
    ]


def assert_told(
    ear: Ear,
    place: Place,
    table: str,
    key: tuple[Any, ...],
    before: Contents,
    after: Contents,
) -> None:
    """Check that the changed row was told when it could be seen, and nothing wrong of it."""
    old, new = before[table].get(key), after[table].get(key)
    found = [
        (told, change)
        for told in ear.tellings
        for change in told.changes
        if change.table.name == table and (change.keys is None or key in change.keys)
    ]
    assert found, f"{table} {key} was not told"
    assert any(told.seen[table].get(key) == new for told, _ in found), "told too early"
    assert all(change.table.database == name_of(place) for _, change in found)
    possible = {Operation.ANY}
    if old is None:
        possible |= {Operation.INSERT}
    elif new is None:
        possible |= {Operation.DELETE}
    else:
        possible |= {Operation.UPDATE}
    fitting = [
        change
        for _, change in found
        # An update of the key makes another row of it.
        if change.operation in possible
        or (change.operation is Operation.UPDATE and change.keys is None)
    ]
    assert fitting
    columns: set[str] = set()
    for change in fitting:
        columns |= (new or old or {}).keys() if change.columns is None else change.columns
    if old is not None and new is not None:
        assert {name for name in new if old[name] != new[name]} <= columns
    assert any(fits(change.new, new) for change in fitting)
    assert any(fits(change.old, old) for change in fitting)


def fits(known: Any, row: dict[str, Any] | None) -> bool:
    return row is None or all(row[name] == value for name, value in known.items())


def name_of(place: Place) -> str:
    if place.is_postgres:
        return name_database("postgresql", str(place.url.query["host"]), None, "shelf")
    return name_database("sqlite", "", None, str(place.url.database))
