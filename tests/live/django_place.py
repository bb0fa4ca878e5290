"""Databases of Django in which whatever is written is compared with what is told.

The truth is what another connection reads, which is no connection of Django's.
"""

import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from django.db import connections, models, router, transaction

from django_vortex.live.changes import Change, Operation
from django_vortex.live.telling import telling
from django_vortex.orm.django.database_names import find_database
from tests.live import django_models as m
from tests.support.postgres import USER

Key = tuple[Any, ...]
Rows = dict[str, dict[Key, dict[str, Any]]]
"""By table and key the values of all columns."""

TABLES = m.find_tables()


@dataclass
class Telling:
    """What was told, and what another connection read at that moment."""

    changes: Sequence[Change]
    rows: Rows


@dataclass
class Told:
    """All that was told of one database."""

    tellings: list[Telling] = field(default_factory=list)

    @property
    def changes(self) -> list[Change]:
        return [change for one in self.tellings for change in one.changes]

    def find(self, table: str) -> list[Change]:
        return [change for change in self.changes if change.table.name == table]


class Place:
    """A database with rows, which Django knows by an alias of its own.

    Args:
        alias: What Django calls it, like no other of the process: threads of pools remember.
        settings: What else Django has to know.
    """

    def __init__(self, alias: str, settings: dict[str, Any]) -> None:
        self.alias = alias
        self.settings = settings
        self.is_postgres = "HOST" in settings

    @property
    def connection(self) -> Any:
        return connections[self.alias]

    @property
    def database(self) -> str:
        return find_database(self.connection)

    def atomic(self, **options: Any) -> Any:
        return transaction.atomic(using=self.alias, **options)

    def execute(self, sql: Any, params: Any = None) -> None:
        """Execute a text on Django's connection."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)

    def connect(self) -> Any:
        """Connect past Django; everything is committed at once."""
        if self.is_postgres:
            host, name = self.settings["HOST"], self.settings["NAME"]
            return psycopg.connect(host=host, user=USER, dbname=name, autocommit=True)
        return sqlite3.connect(self.settings["NAME"], isolation_level=None, timeout=0)

    def execute_past_django(self, sql: str) -> None:
        with closing(self.connect()) as link:
            link.execute(sql)

    def read(self) -> Rows:
        """Return all rows, as another connection sees them."""
        rows: Rows = {}
        with closing(self.connect()) as link:
            if self.is_postgres:  # of one moment
                link.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                link.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            else:
                link.execute("BEGIN")
            for table, model in TABLES.items():
                cursor = link.execute(f'SELECT * FROM "{table}"')
                names = [column[0] for column in cursor.description]
                rows[table] = {
                    find_key(model, values): values
                    for row in cursor.fetchall()
                    for values in [read_values(model, dict(zip(names, row, strict=True)))]
                }
        return rows

    @contextmanager
    def in_django(self) -> Iterator[None]:
        """Let Django know it, and route the models of these tests to it."""
        configured = connections.configure_settings({"default": {}, self.alias: self.settings})
        connections.settings[self.alias] = configured[self.alias]
        before = router.routers
        router.routers = [self, *before]
        try:
            yield
        finally:
            router.routers = before
            self.close()
            del connections.settings[self.alias]

    def close(self) -> None:
        """Close the connection of this thread for good."""
        self.connection.close()
        if hasattr(self.connection, "close_pool"):
            self.connection.close_pool()
        del connections[self.alias]

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """Return where a model of these tests is: Django asks this of its routers."""
        return self.alias if model._meta.app_label == "live_tests" else None

    db_for_write = db_for_read

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool | None:
        return None

    @contextmanager
    def listening(self) -> Iterator[Told]:
        """Listen to what is told of this database, in whatever thread."""
        told = Told()

        def listen(changes: Sequence[Change]) -> None:
            own = [change for change in changes if change.table.database == self.database_name]
            if own:
                told.tellings.append(Telling(own, self.read()))

        self.database_name = self.database
        with telling.heard_by(listen):
            yield told

    @contextmanager
    def watched(
        self, *, whole: str = "", extra: str = "", unseen: str = "", is_simple: bool = True
    ) -> Iterator[Told]:
        """Demand that whatever is written in this context is told, and nothing else.

        Args:
            whole: Tables of which it is told that any row may have changed.
            extra: Tables, or those of which keys are told, that have not changed.
            unseen: Tables whose changes nobody can see.
            is_simple: Whether no row is changed twice, so that its values can be compared.
        """
        before = self.read()
        with self.listening() as told:
            yield told
        after = self.read()
        check(
            told,
            before,
            after,
            whole=set(whole.split()),
            extra=set(extra.split()),
            unseen=set(unseen.split()),
            is_simple=is_simple,
        )


def find_key(model: Any, values: dict[str, Any]) -> Key:
    return tuple(values[field.column] for field in model._meta.pk_fields)


def read_values(model: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Return values as Python has them."""
    for one in model._meta.concrete_fields:
        while one.remote_field:
            target, one = one, one.target_field
            if target.column in values:
                values[target.column] = read_value(one, values[target.column])
        if one.column in values and one.model is model:
            values[one.column] = read_value(one, values[one.column])
    return values


def read_value(one: Any, value: Any) -> Any:
    if isinstance(one, models.UUIDField) and isinstance(value, str):
        return UUID(value)
    return bool(value) if isinstance(one, models.BooleanField) else value


def check(
    told: Told,
    before: Rows,
    after: Rows,
    *,
    whole: set[str],
    extra: set[str],
    unseen: set[str],
    is_simple: bool,
) -> None:
    """Compare what was told with what has changed."""
    changed = {
        table: {
            key
            for key in before[table].keys() | after[table].keys()
            if before[table].get(key) != after[table].get(key)
        }
        for table in TABLES
    }
    for table, keys in changed.items():
        for key in keys:
            seen = [
                one.rows[table].get(key)
                for one in told.tellings
                if any(covers(change, table, key) for change in one.changes)
            ]
            if table in unseen:
                assert not seen, f"{table} {key} was seen"
            else:
                assert after[table].get(key) in seen, f"{table} {key} was told too early or never"
    assert whole <= {change.table.name for change in told.changes if change.keys is None}
    for change in told.changes:
        table = change.table.name
        if table not in extra:
            assert changed[table], f"{table} was told and has not changed: {change}"
            assert change.keys is None or change.keys <= changed[table], change
        assert change.keys is not None or table in whole, change
        check_count(change, changed[table])
        if is_simple:
            check_values(change, changed[table], before[table], after[table])


def covers(change: Change, table: str, key: Key) -> bool:
    return change.table.name == table and (change.keys is None or key in change.keys)


def check_count(change: Change, changed: set[Key]) -> None:
    if change.rows is not None and change.keys is not None:
        assert change.rows <= len(change.keys), change
    if change.keys is not None:
        assert all(isinstance(key, tuple) for key in change.keys)


def check_values(
    change: Change,
    changed: set[Key],
    before: dict[Key, dict[str, Any]],
    after: dict[Key, dict[str, Any]],
) -> None:
    """Compare what a change says of values with those of its rows."""
    if change.keys is None or change.operation is Operation.ANY:
        return
    for key in change.keys & changed:
        old, new = before.get(key), after.get(key)
        if change.operation is Operation.INSERT:
            assert new is not None, change
        elif change.operation is Operation.DELETE:
            assert old is not None and new is None, change
        if old is not None:
            assert {name: old[name] for name in change.old} == dict(change.old)
        if new is not None:
            assert {name: new[name] for name in change.new} == dict(change.new)
        if old is not None and new is not None and change.columns is not None:
            assert {name for name in new if new[name] != old[name]} <= change.columns


class Templates:
    """Places with the same rows, copied from one that was made once.

    Args:
        directory: Where files of SQLite are.
        start_server: Gives the PostgreSQL server.
    """

    _numbers = iter(range(1_000_000))

    def __init__(self, directory: Path, start_server: Any) -> None:
        self._directory = directory
        self._start_server = start_server
        self._made: dict[str, str] = {}

    @contextmanager
    def open(self, kind: str, **options: Any) -> Iterator[Place]:
        """Yield a place of a kind, ``sqlite`` or ``postgres``."""
        if kind not in self._made:
            self._made[kind] = self._make(kind)
        name = f"live{next(self._numbers)}"
        if kind == "postgres":
            server = self._start_server()
            with psycopg.connect(
                host=server.host, user=USER, dbname="postgres", autocommit=True
            ) as link:
                link.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._made[kind]}"')
        else:
            shutil.copyfile(self._path(self._made[kind]), self._path(name))
        place = Place(f"{kind}_{name}_{threading.get_ident()}", self._describe(kind, name))
        place.settings.update(options)
        with place.in_django():
            yield place

    def _make(self, kind: str) -> str:
        name = f"template_{kind}"
        if kind == "postgres":
            self._start_server().create_database(name)
        place = Place(name, self._describe(kind, name))
        with place.in_django():
            with place.connection.schema_editor() as editor:
                for model in m.MODELS:
                    editor.create_model(model)
            fill()
        return name

    def _describe(self, kind: str, name: str) -> dict[str, Any]:
        if kind == "postgres":
            engine, host = "django.db.backends.postgresql", self._start_server().host
            return {"ENGINE": engine, "HOST": host, "USER": USER, "NAME": name}
        init = {"init_command": "PRAGMA synchronous=OFF"}
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(self._path(name)),
            "OPTIONS": init,
        }

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.sqlite3"


def fill() -> None:
    """Add some rows of everything."""
    a, b = m.Team.objects.create(name="a"), m.Team.objects.create(name="b")
    u1, u2 = (m.Person.objects.create(username=name) for name in ("u1", "u2"))
    u1.friends.add(u2)
    labels = [m.Label.objects.create(name=f"l{i}") for i in (1, 2, 3)]
    for i in range(5):
        ticket = m.Ticket.objects.create(title=f"t{i}", number=i, team=a if i % 2 else b, owner=u1)
        ticket.labels.add(labels[0])
        m.Comment.objects.create(ticket=ticket, text="c")
        m.Fan.objects.create(ticket=ticket, person=u1)
    m.Bar.objects.create(name="bar", beers=1)
    m.Order.objects.create()
    m.Mixed.objects.create(name="m")
    for number in (1, 2, 3):
        m.Seat.objects.create(row="a", number=number)
    m.Line.objects.create(price=2, count=3)
    m.Asset.objects.create(name="drill")
    m.City.objects.create(name="Bern", country=m.Country.objects.create(code="ch", name="Swiss"))
    if m.HAS_DATABASE_CASCADES:
        top = m.Folder.objects.create(name="top")
        inner = m.Folder.objects.create(name="inner", parent=top)
        for folder in (top, inner):
            m.Note.objects.create(page=m.Page.objects.create(folder=folder))
