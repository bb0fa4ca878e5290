"""Writes that nobody has told are found in real databases, and told ones on PostgreSQL are not."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session

from django_vortex.live.changes import Change, Table
from django_vortex.live.ledger import Ledger
from django_vortex.live.looks import Look, looks
from django_vortex.live.sweep import Sweep, SweepOptions
from django_vortex.live.telling import telling
from django_vortex.orm.django.sweep import look_at_database
from django_vortex.orm.sqlalchemy import capture
from django_vortex.orm.sqlalchemy.database_names import find_database
from django_vortex.orm.sqlalchemy.sweep import look_at_engine
from django_vortex.orm.sqlite_versions import look_at_file, versions
from tests.live.django_models import Label, Team
from tests.live.django_place import Place
from tests.live.shelf import Item, Seat, Tag, fill, make_engine
from tests.support.postgres import USER, PostgresServer
from tests.support.waiting import eventually, wait_until

ROOT = Path(__file__).parents[2]

TEAM, LABEL = "live_team", "live_label"

LookAgain = Callable[[], Look | None]


class Sweeper:
    """Looks at a database again and again, at times that tests choose."""

    def __init__(self, database: str, look: LookAgain) -> None:
        self._database = database
        self._look = look
        self.ledger = Ledger(told_seconds=2.0)

    def sweep(self, now: float = 100.0) -> set[str]:
        """Return the tables that have moved for certain."""
        look = self._look()
        assert look is not None
        self.ledger.take(self._database, look, now)
        return {table.name for table in self.ledger.find_moved(now + 2.0)}

    def wait_for(self, table: str) -> None:
        """Wait until a table has moved; PostgreSQL counts after a while."""
        wait_until(lambda: table in self.sweep(), f"{table} to have moved")


@pytest.fixture
def sweeper(place: Place) -> Sweeper:
    """Sweep a database of Django whose tables nobody has written yet."""
    return begin(place.database, lambda: looks.look(place.database, [TEAM, LABEL]))


def begin(database: str, look: LookAgain) -> Sweeper:
    """Look until what was written before is counted."""
    made = Sweeper(database, look)
    assert made.sweep()
    made.sweep()
    return made


def test_write_past_django_is_found(place: Place, sweeper: Sweeper) -> None:
    assert sweeper.sweep() == set()
    place.execute_past_django(f"UPDATE {LABEL} SET name = name || '!'")
    sweeper.wait_for(LABEL)
    assert sweeper.sweep() == set()


def test_truncated_table_is_found(on_postgres: Place) -> None:
    place = on_postgres
    sweeper = begin(place.database, lambda: looks.look(place.database, [LABEL]))
    place.execute_past_django(f"TRUNCATE {LABEL} CASCADE")
    sweeper.wait_for(LABEL)


def test_told_writes_are_no_reason_to_evaluate_on_postgres(on_postgres: Place) -> None:
    place = on_postgres
    tables = [TEAM, LABEL]
    sweeper = begin(place.database, lambda: looks.look(place.database, tables))
    before = look_at_database(place.database, tables)
    assert before is not None
    told: list[Change] = []
    with telling.heard_by(told.extend):
        team = Team.objects.create(name="told")
        Label.objects.bulk_create([Label(name=f"told{number}", weight=1) for number in range(5)])
        team.name = "told again"
        team.save()
        Label.objects.filter(name__startswith="told").update(weight=2)
        Label.objects.filter(name__startswith="told").delete()
    place.connection.close()  # so that what it wrote is counted now
    assert None not in {one.rows for one in told}
    sweeper.ledger.note(told, 99.0)
    moved: set[str] = set()

    def is_counted() -> bool:
        moved.update(sweeper.sweep())
        now = look_at_database(place.database, tables)
        assert now is not None
        grown = {name: now.rows[name] - before.rows[name] for name in tables}
        return grown == {TEAM: 2, LABEL: 15}

    wait_until(is_counted, "all rows to be counted")
    moved |= sweeper.sweep()
    assert moved == set()
    place.execute_past_django(f"UPDATE {TEAM} SET name = name || '!'")
    sweeper.wait_for(TEAM)


def test_view_moves_with_its_tables_alone(on_postgres: Place) -> None:
    place = on_postgres
    place.execute_past_django(f"CREATE VIEW live_view AS SELECT * FROM {LABEL}")
    sweeper = begin(place.database, lambda: look_at_database(place.database, ["live_view", LABEL]))
    place.execute_past_django(f"UPDATE {LABEL} SET name = name || '!'")
    moved: set[str] = set()
    wait_until(lambda: LABEL in moved or moved.update(sweeper.sweep()), "the table to have moved")
    assert moved == {LABEL}


def test_database_of_nobody_cannot_be_asked() -> None:
    assert look_at_database("postgresql://elsewhere:5432/it", [LABEL]) is None
    assert look_at_engine("postgresql://elsewhere:5432/it", [LABEL]) is None


def test_table_that_is_none_is_not_known(on_postgres: Place) -> None:
    look = look_at_database(on_postgres.database, ["no_table", LABEL])
    assert look is not None
    assert set(look.tables) == {LABEL}


def test_partitions_count_for_their_table(on_postgres: Place) -> None:
    place = on_postgres
    place.execute_past_django("CREATE TABLE parted (id int, at int) PARTITION BY RANGE (at)")
    place.execute_past_django("CREATE TABLE part1 PARTITION OF parted FOR VALUES FROM (0) TO (9)")
    sweeper = begin(place.database, lambda: look_at_database(place.database, ["parted"]))
    assert sweeper.sweep() == set()
    place.execute_past_django("INSERT INTO parted VALUES (1, 1)")
    sweeper.wait_for("parted")


def test_file_is_another_after_any_commit_and_nothing_else(sqlite: Place) -> None:
    place = sqlite
    sweeper = begin(place.database, lambda: look_at_file(place.database, [LABEL]))
    assert place.read()
    assert sweeper.sweep() == set()
    Label.objects.create(name="told", weight=1)
    assert sweeper.sweep() == {LABEL}
    assert sweeper.sweep() == set()


def test_file_that_is_replaced_is_another(sqlite: Place, tmp_path: Path) -> None:
    path = sqlite.database.removeprefix("sqlite:")
    other = tmp_path / "other.sqlite3"
    shutil.copyfile(path, other)
    copied = tmp_path / "copied.sqlite3"
    shutil.copyfile(path, copied)
    name = f"sqlite:{other}"
    sweeper = begin(name, lambda: look_at_file(name, [LABEL]))
    os.replace(copied, other)
    assert sweeper.sweep() == {LABEL}
    assert sweeper.sweep() == set()
    versions.close()


@pytest.mark.parametrize(
    "database", ["sqlite::memory:", "sqlite:", "sqlite:/no/such/file", "mysql://here:3306/it"]
)
def test_what_is_no_file_cannot_be_asked(database: str) -> None:
    assert look_at_file(database, [LABEL]) is None


def test_file_of_wal_is_another_after_a_commit(tmp_path: Path) -> None:
    engine = make_engine(URL.create("sqlite", database=str(tmp_path / "wal.sqlite3")))
    with engine.begin() as link:
        link.exec_driver_sql("PRAGMA journal_mode=WAL")
    fill(engine)
    name = f"sqlite:{tmp_path / 'wal.sqlite3'}"
    sweeper = begin(name, lambda: look_at_file(name, ["shelf_tag"]))
    write_by_cursor(engine)
    assert sweeper.sweep() == {"shelf_tag"}
    assert sweeper.sweep() == set()
    engine.dispose()
    versions.close()


# Engines of SQLAlchemy


@pytest.fixture(scope="module")
def shelf_url(postgres: PostgresServer) -> URL:
    postgres.create_database("swept")
    return URL.create("postgresql+psycopg", USER, database="swept", query={"host": postgres.host})


def find_name(engine: Engine) -> str:
    with engine.connect() as link:
        return find_database(link)


def write_by_cursor(engine: Engine) -> None:
    raw = engine.raw_connection()
    raw.cursor().execute("UPDATE shelf_tag SET name = name || '!'")
    raw.commit()
    raw.close()


@pytest.fixture
def shelf(shelf_url: URL) -> Iterator[Engine]:
    was_installed = capture.is_installed()
    capture.install()
    engine = make_engine(shelf_url, poolclass=sa.NullPool)
    fill(engine)
    yield engine
    if not was_installed:
        capture.uninstall()


def test_engine_is_asked_and_told_writes_are_explained(shelf: Engine) -> None:
    database, tables = find_name(shelf), ["shelf_item", "shelf_tag", "shelf_seat"]
    sweeper = begin(database, lambda: look_at_engine(database, tables))
    before = look_at_engine(database, tables)
    assert before is not None
    told: list[Change] = []
    with telling.heard_by(told.extend), Session(shelf) as session:
        session.add_all([Item(name=f"n{number}") for number in range(3)])
        session.get_one(Item, 1).number = 9
        session.execute(sa.update(Seat).where(Seat.number < 2).values(guest="x"))
        session.execute(sa.delete(Item).where(Item.id == 2))
        session.execute(sa.insert(Tag), [{"name": "a"}, {"name": "b"}])
        session.commit()
    sweeper.ledger.note(told, 99.0)
    moved: set[str] = set()

    def is_counted() -> bool:
        moved.update(sweeper.sweep())
        now = look_at_engine(database, tables)
        assert now is not None
        grown = {name: now.rows[name] - before.rows[name] for name in tables}
        return grown == {"shelf_item": 5, "shelf_tag": 2, "shelf_seat": 1}

    wait_until(is_counted, "all rows to be counted")
    moved |= sweeper.sweep()
    assert moved == set()
    write_by_cursor(shelf)
    sweeper.wait_for("shelf_tag")


@pytest.mark.parametrize("driver", ["psycopg_async", "asyncpg"])
async def test_async_engine_is_asked_on_a_loop_of_its_own(
    driver: str, postgres: PostgresServer
) -> None:
    name = f"swept_{driver}"
    postgres.create_database(name)
    url = URL.create(f"postgresql+{driver}", USER, database=name, query={"host": postgres.host})
    engine = create_async_engine(url)
    async with engine.begin() as link:
        await link.run_sync(Tag.__table__.create)
        database = await link.run_sync(find_database)
    look = await asyncio.to_thread(look_at_engine, database, ["shelf_tag", "no_table"])
    assert look is not None
    assert set(look.tables) == {"shelf_tag"}
    await engine.dispose()


# Processes that are killed, and the whole sweep

KILLED = """
import os, signal, sys
import sqlalchemy as sa
from django_vortex.live.telling import telling
from django_vortex.orm.sqlalchemy import capture

def die(changes):
    os.kill(os.getpid(), signal.SIGKILL)

capture.install()
telling.listen(die)
engine = sa.create_engine(sys.argv[1])
with engine.begin() as link:
    link.execute(sa.text("SELECT 1"))
    table = sa.Table("shelf_tag", sa.MetaData(), autoload_with=link)
    link.execute(table.update().values(name="of the dead"))
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_commit_of_a_process_that_was_killed_before_it_told_is_found(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = URL.create("sqlite", database=str(tmp_path / "killed.sqlite3"))
    if kind == "postgres":
        url = request.getfixturevalue("shelf_url")
    engine = make_engine(url, poolclass=sa.NullPool)
    fill(engine)
    database = find_name(engine)

    def look() -> Look | None:
        return looks.look(database, ["shelf_tag"])

    looks.add(look_at_file)
    looks.add(look_at_engine)
    sweeper = begin(database, look)
    text = url.render_as_string(hide_password=False)
    done = subprocess.run([sys.executable, "-c", KILLED, text], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    with engine.connect() as link:
        assert set(link.scalars(sa.text("SELECT name FROM shelf_tag"))) == {"of the dead"}
    sweeper.wait_for("shelf_tag")
    versions.close()


class Watched:
    """Some tables that are watched, and what is told of them."""

    def __init__(self, *tables: Table) -> None:
        self.tables = set(tables)
        self.told: list[Table] = []

    def find_watched_tables(self) -> Collection[Table]:
        return self.tables

    def tell(self, changes: Sequence[Change], /) -> None:
        self.told += [one.table for one in changes]

    def estimate_seconds(self, table: Table, /) -> float:
        return 0.0


async def test_sweep_has_evaluated_what_was_written_unseen(place: Place) -> None:
    label = Table(place.database, LABEL)
    watched = Watched(label)

    async def run_sync(function: Callable[[], Look | None]) -> Look | None:
        return await asyncio.to_thread(run_and_close, function)

    def run_and_close(function: Callable[[], Look | None]) -> Look | None:
        try:
            return function()
        finally:
            place.connection.close()

    options = SweepOptions(looks.look, run_sync, seconds=0.5, jitter=lambda: 0.0)
    sweep = Sweep(watched, options, asyncio.get_running_loop().time)
    task = asyncio.create_task(sweep.run())
    try:
        await eventually(lambda: watched.told, "the first sweep")
        # What was written before may be counted yet; then it is silent.
        place.execute_past_django(f"UPDATE {LABEL} SET name = name || '!'")
        found = len(watched.told)
        await eventually(lambda: len(watched.told) > found, "the write to be found")
        assert set(watched.told) == {label}
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        versions.close()
