"""What is told of a write of SQLAlchemy says which rows and values, as far as it is known."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session

from django_vortex.live.changes import Change, Operation, Table
from django_vortex.live.recording import recording
from django_vortex.live.telling import telling
from django_vortex.orm.sqlalchemy import capture
from tests.live.shelf import Item, Seat, Tag, fill, make_engine

items, tags, seats = Item.__table__, Tag.__table__, Seat.__table__

things = sa.Table(
    "shelf_thing",
    sa.MetaData(),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("is_new", sa.Boolean),
    sa.Column("size", sa.BigInteger().with_variant(sa.Integer, "sqlite"), key="width"),
    sa.Column("price", sa.Numeric),
    sa.Column("code", sa.String(collation="NOCASE")),
    sa.Column("touched", sa.Integer, onupdate=sa.func.random()),
    sa.Column("double", sa.Integer, sa.Computed("size * 2")),
)
KEY = uuid.UUID(int=7)

Write = Callable[[Connection], Any]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path = tmp_path_factory.mktemp("changes") / "changes.sqlite3"
    engine = make_engine(sa.URL.create("sqlite", database=str(path)))
    yield engine
    engine.dispose()


@pytest.fixture
def told(engine: Engine) -> Iterator[list[Change]]:
    """Yield what is told, in a database with some rows."""
    was_installed = capture.is_installed()
    capture.install()
    fill(engine)
    things.metadata.drop_all(engine)
    things.metadata.create_all(engine)
    changes: list[Change] = []
    with telling.heard_by(changes.extend):
        yield changes
    if not was_installed:
        capture.uninstall()


def make_change(engine: Engine, table: str, operation: Operation, **known: Any) -> Change:
    keys = known.pop("keys", None)
    columns = known.pop("columns", None)
    return Change(
        Table(f"sqlite:{engine.url.database}", f"shelf_{table}"),
        operation,
        None if keys is None else frozenset(keys),
        None if columns is None else frozenset(columns),
        **known,
    )


WRITES: dict[str, tuple[Write, str, Operation, dict[str, Any]]] = {
    "insert": (
        lambda link: link.execute(sa.insert(items).values(nm="x", number=4)),
        "item",
        Operation.INSERT,
        {"keys": [(3,)], "new": {"id": 3, "number": 4}, "rows": 1},
    ),
    "insert of several": (
        lambda link: link.execute(
            sa.insert(items), [{"nm": f"x{index}", "number": 4} for index in range(40)]
        ),
        "item",
        Operation.INSERT,
        {"new": {"number": 4}, "rows": 40},
    ),
    "insert with keys": (
        lambda link: link.execute(
            sa.insert(seats), [{"row": "B", "number": index} for index in range(40)]
        ),
        "seat",
        Operation.INSERT,
        {"keys": [("B", index) for index in range(40)], "rows": 40},
    ),
    "insert of an expression": (
        lambda link: link.execute(sa.insert(items).values(nm="x", number=sa.func.abs(-4))),
        "item",
        Operation.INSERT,
        {"keys": [(3,)], "new": {"id": 3}, "rows": 1},
    ),
    "insert of rows in VALUES": (
        lambda link: link.execute(sa.insert(tags).values([{"name": "a"}, {"name": "b"}])),
        "tag",
        Operation.INSERT,
        {"rows": 2},
    ),
    "insert of exact types": (
        lambda link: link.execute(
            sa.insert(things).values(id=KEY, is_new=1, width=5, price=1, code="Ab")
        ),
        "thing",
        Operation.INSERT,
        {"keys": [(KEY,)], "new": {"id": KEY, "is_new": True, "size": 5}, "rows": 1},
    ),
    "insert of what the database may convert": (
        lambda link: link.execute(sa.insert(items).values(id=9, nm="x", number="4")),
        "item",
        Operation.INSERT,
        {"keys": [(9,)], "new": {"id": 9}, "rows": 1},
    ),
    "upsert": (
        lambda link: link.execute(insert(items).values(id=1, nm="x").on_conflict_do_nothing()),
        "item",
        Operation.ANY,
        {"rows": 1},
    ),
    "update by key": (
        lambda link: link.execute(sa.update(items).where(items.c.id == 1).values(number=7)),
        "item",
        Operation.UPDATE,
        {
            "keys": [(1,)],
            "columns": ["number"],
            "old": {"id": 1},
            "new": {"id": 1, "number": 7},
            "rows": 1,
        },
    ),
    "update by other columns": (
        lambda link: link.execute(
            sa.update(items)
            .where(sa.and_(items.c.number == 0, items.c.nm == "a"))
            .values(number=items.c.number + 1)
        ),
        "item",
        Operation.UPDATE,
        {"columns": ["number"], "old": {"number": 0}, "rows": 1},
    ),
    "update by one of several": (
        lambda link: link.execute(
            sa.update(items)
            .where(sa.or_(items.c.number == 0, items.c.id == 1), items.c.number != 9)
            .values(nm="x")
        ),
        "item",
        Operation.UPDATE,
        {"columns": ["nm"], "rows": 2},
    ),
    "update of a list of keys": (
        lambda link: link.execute(
            sa.update(seats)
            .where(seats.c.row == "A", seats.c.number.in_([1, 2, 5]))
            .values(guest="x")
        ),
        "seat",
        Operation.UPDATE,
        {"keys": [("A", 1), ("A", 2), ("A", 5)], "columns": ["guest"], "rows": 2},
    ),
    "update of what else the database writes": (
        lambda link: link.execute(
            sa.update(things).where(things.c.is_new.is_(None)).values(code="x")
        ),
        "thing",
        Operation.UPDATE,
        {
            "columns": ["code", "touched", "double"],
            "old": {"is_new": None},
            "new": {"is_new": None},
            "rows": 0,
        },
    ),
    "update by a text that is no exact one": (
        lambda link: link.execute(sa.update(things).where(things.c.code == "x").values(width=2)),
        "thing",
        Operation.UPDATE,
        {"columns": ["size", "touched", "double"], "new": {"size": 2}, "rows": 0},
    ),
    "delete by key": (
        lambda link: link.execute(sa.delete(items).where(items.c.id == 2)),
        "item",
        Operation.DELETE,
        {"keys": [(2,)], "old": {"id": 2}, "rows": 1},
    ),
    "delete of several": (
        lambda link: link.execute(sa.delete(items).where(items.c.number == 0)),
        "item",
        Operation.DELETE,
        {"old": {"number": 0}, "rows": 2},
    ),
    "raw text": (
        lambda link: link.execute(sa.text("UPDATE shelf_item SET nm = 'x' WHERE id = 1")),
        "item",
        Operation.ANY,
        {},
    ),
}


@pytest.mark.parametrize("name", WRITES)
def test_change_says_what_the_parameters_say(name: str, engine: Engine, told: list[Change]) -> None:
    write, table, operation, known = WRITES[name]
    with engine.begin() as link:
        write(link)
    assert told == [make_change(engine, table, operation, **known)]


def test_flush_says_keys_and_values_of_each_row(engine: Engine, told: list[Change]) -> None:
    with Session(engine) as session:
        session.add_all([Item(name="x", number=5), Item(name="y", number=6)])
        session.get_one(Tag, 1).name = "z"
        session.commit()
    inserted = [
        make_change(
            engine, "item", Operation.INSERT, keys=[(key,)], new={"id": key, "number": n}, rows=1
        )
        for key, n in ((3, 5), (4, 6))
    ]
    updated = make_change(
        engine,
        "tag",
        Operation.UPDATE,
        keys=[(1,)],
        columns=["name"],
        old={"id": 1},
        new={"id": 1},
        rows=1,
    )
    assert sorted(told, key=str) == sorted([*inserted, updated], key=str)


def test_deleting_concerns_what_refers_to_it_with_a_cascade(
    engine: Engine, told: list[Change]
) -> None:
    with engine.begin() as link:
        link.execute(sa.delete(tags).where(tags.c.id == 2))
        link.execute(sa.update(tags).values(name="x"))
    assert [(one.table.name, one.operation) for one in told] == [
        ("shelf_tag", Operation.DELETE),
        ("shelf_tag", Operation.UPDATE),
        ("shelf_note", Operation.ANY),
    ]


def test_same_statement_has_the_values_of_each_execution(
    engine: Engine, told: list[Change]
) -> None:
    for number in (1, 2):
        with engine.begin() as link:
            link.execute(sa.update(items).where(items.c.id == number).values(number=number))
    assert [(one.keys, one.new["number"]) for one in told] == [({(1,)}, 1), ({(2,)}, 2)]


def test_large_transaction_says_little(engine: Engine, told: list[Change]) -> None:
    with engine.begin() as link:
        for number in range(1200):
            link.execute(sa.insert(seats).values(row="Z", number=number))
    assert len(told) < 100
    assert None in {one.keys for one in told}
    assert sum(one.rows or 0 for one in told) == 1200


def test_nothing_is_kept_while_nobody_listens(engine: Engine, told: list[Change]) -> None:
    with telling.heard_by(None), engine.begin() as link:
        link.execute(sa.update(items).values(nm="x"))
    with engine.begin() as link:
        link.execute(sa.select(items)).all()
    assert told == []


def test_transaction_that_began_unheard_may_have_changed_everything(
    engine: Engine, told: list[Change]
) -> None:
    with engine.begin() as link, telling.heard_by(None):
        link.execute(sa.update(items).values(nm="x"))
    assert {"shelf_item", "shelf_tag"} <= {one.table.name for one in told}
    assert all(one.operation is Operation.ANY and one.keys is None for one in told)


def test_evaluation_notes_what_it_writes(engine: Engine, told: list[Change]) -> None:
    with recording() as recorder, engine.connect() as link:
        link.execute(sa.select(items)).all()
        assert recorder.writes == []
        link.execute(sa.update(items).values(nm="x"))
        link.exec_driver_sql("DELETE FROM shelf_seat")
        assert [table.name for table in recorder.writes] == ["shelf_item", "shelf_seat"]
        link.rollback()
    assert told == []


def test_what_cannot_be_seen_harms_nobody_and_may_be_anything(
    engine: Engine,
    told: list[Change],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(context: object) -> None:
        raise LookupError("of another version")

    monkeypatch.setattr(capture, "find_effect", fail)
    with engine.begin() as link:
        link.execute(sa.update(items).values(nm="x"))
    assert "shelf_item" in {one.table.name for one in told}
    assert "Could not see what a statement has written" in caplog.text


def test_no_statement_is_added(engine: Engine, told: list[Change]) -> None:
    statements: list[str] = []

    def count(link: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    sa.event.listen(engine, "before_cursor_execute", count)
    try:
        with Session(engine) as session:
            session.add(Tag(name="x"))
            session.commit()
    finally:
        sa.event.remove(engine, "before_cursor_execute", count)
    assert len(statements) == 1
    assert len(told) == 1
