"""What an evaluation reads through SQLAlchemy: which rows of which tables, and never less."""

import asyncio
import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, aliased, joinedload, selectinload
from sqlalchemy.orm.exc import StaleDataError

from django_vortex.live.changes import Change
from django_vortex.live.dependencies import Dependency
from django_vortex.live.recording import recording
from django_vortex.live.telling import telling
from django_vortex.orm import views
from django_vortex.orm.sqlalchemy import capture
from tests.live.shelf import Item, Note, Seat, Special, Tag, fill, item_tags, make_engine

items, tags, notes, seats = Item.__table__, Tag.__table__, Note.__table__, Seat.__table__

KEY = uuid.UUID(int=5)
things = sa.Table(
    "shelf_thing",
    sa.MetaData(),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("is_new", sa.Boolean),
    sa.Column("price", sa.Numeric),
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path = tmp_path_factory.mktemp("reads") / "reads.sqlite3"
    engine = make_engine(sa.URL.create("sqlite", database=str(path)))
    was_installed = capture.is_installed()
    capture.install()
    fill(engine)
    things.metadata.create_all(engine)
    with engine.begin() as link:
        link.execute(sa.insert(things).values(id=KEY, is_new=True))
        link.execute(sa.insert(item_tags).values(item_id=1, tag_id=1))
    yield engine
    engine.dispose()
    if not was_installed:
        capture.uninstall()


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail where something of SQLAlchemy is another than is assumed."""
    yield
    assert caplog.records == []


Read = Callable[[Session], Any]


def find_reads(engine: Engine, read: Read) -> list[Dependency]:
    with recording() as recorder, Session(engine) as session:
        read(session)
    assert recorder.writes == []
    return recorder.reads


def show(one: Dependency) -> tuple[str, dict[str, set[Any]]]:
    name = one.table.name.removeprefix("shelf_")
    return name, {column: set(values) for column, values in one.equalities.items()}


other = aliased(Item)
in_cte = sa.select(Tag.id).where(Tag.id == 1).cte()

READS: dict[str, tuple[Read, list[tuple[str, dict[str, set[Any]]]]]] = {
    "get": (lambda s: s.get(Item, 1), [("item", {"id": {1}})]),
    "all": (lambda s: s.scalars(sa.select(Tag)).all(), [("tag", {})]),
    "equality and list": (
        lambda s: s.execute(
            sa.select(Item.name).where(Item.number == 0, Item.id.in_([1, 2]), Item.name != "x")
        ).all(),
        [("item", {"number": {0}, "id": {1, 2}})],
    ),
    "text is not compared": (
        lambda s: s.scalars(sa.select(Tag).where(Tag.name == "t1")).all(),
        [("tag", {})],
    ),
    "either": (
        lambda s: s.scalars(sa.select(Tag).where((Tag.id == 1) | (Tag.id == 2))).all(),
        [("tag", {})],
    ),
    "not": (lambda s: s.scalars(sa.select(Tag).where(~(Tag.id == 1))).all(), [("tag", {})]),
    "uuid, boolean and null": (
        lambda s: s.execute(
            sa.select(things.c.price).where(
                things.c.id == KEY, things.c.is_new.is_(True), things.c.price.is_(None)
            )
        ).all(),
        [("thing", {"id": {KEY}, "is_new": {True}})],
    ),
    "null of a joined row": (
        lambda s: s.execute(
            sa.select(Tag.name).outerjoin(Note).where(Note.id.is_(None), Tag.id == 1)
        ).all(),
        [("tag", {"id": {1}}), ("note", {})],
    ),
    "join": (
        lambda s: s.execute(sa.select(Tag.name).join(Note).where(Note.tag_id == 2)).all(),
        [("tag", {}), ("note", {"tag_id": {2}})],
    ),
    "table twice": (
        lambda s: s.execute(
            sa.select(Item.name, other.name).where(Item.id == 1, other.number == Item.number)
        ).all(),
        [("item", {"id": {1}}), ("item", {})],
    ),
    "subquery": (
        lambda s: s.execute(
            sa.select(Tag.name).where(Tag.id.in_(sa.select(Note.tag_id).where(Note.id == 1)))
        ).all(),
        [("tag", {}), ("note", {"id": {1}})],
    ),
    "exists": (
        lambda s: s.execute(sa.select(Tag.name).where(Tag.notes.any(Note.id == 1))).all(),
        [("tag", {}), ("note", {"id": {1}}), ("tag", {})],
    ),
    "cte": (
        lambda s: s.execute(sa.select(Note).join(in_cte, in_cte.c.id == Note.tag_id)).all(),
        [("note", {}), ("tag", {"id": {1}})],
    ),
    "union": (
        lambda s: s.execute(
            sa.select(Tag.id).where(Tag.id == 1).union_all(sa.select(Note.id).where(Note.id == 2))
        ).all(),
        [("tag", {"id": {1}}), ("note", {"id": {2}})],
    ),
    "eager join": (
        lambda s: (
            s.scalars(sa.select(Tag).options(joinedload(Tag.notes)).where(Tag.id == 1))
            .unique()
            .all()
        ),
        [("tag", {"id": {1}}), ("note", {})],
    ),
    "eager select": (
        lambda s: s.scalars(
            sa.select(Tag).options(selectinload(Tag.notes)).where(Tag.id == 2)
        ).all(),
        [("tag", {"id": {2}}), ("note", {"tag_id": {2}})],
    ),
    "join over a secondary table": (
        lambda s: s.execute(sa.select(Item.name).join(Item.tags).where(Tag.id == 1)).all(),
        [("item", {}), ("item_tag", {}), ("tag", {"id": {1}})],
    ),
    "joined inheritance": (
        lambda s: s.scalars(sa.select(Special).where(Special.number == 1)).all(),
        [("item", {"number": {1}}), ("special", {})],
    ),
    "lazy load": (
        lambda s: s.get_one(Tag, 2).notes,
        [("tag", {"id": {2}}), ("note", {"tag_id": {2}})],
    ),
    "text": (
        lambda s: s.execute(sa.text("SELECT * FROM shelf_tag WHERE id = 1")).all(),
        [("tag", {})],
    ),
    "text of the driver": (
        lambda s: s.connection().exec_driver_sql('SELECT 1 FROM "shelf_seat"').all(),
        [("seat", {})],
    ),
    "text in a statement": (
        lambda s: s.execute(sa.select(Tag.id).where(Tag.id == 1, sa.text("1 = 1"))).all(),
        [("tag", {})],
    ),
    "statement of a text": (
        lambda s: s.scalars(
            sa.select(Tag).from_statement(sa.text("SELECT * FROM shelf_tag"))
        ).all(),
        [("tag", {})],
    ),
    "light table": (
        lambda s: s.execute(sa.select(sa.func.count()).select_from(sa.table("shelf_tag"))).all(),
        [("tag", {})],
    ),
    "no table": (lambda s: s.scalar(sa.select(sa.func.abs(-1))), []),
}


@pytest.mark.parametrize("name", READS)
def test_reads_are_known_by_table_and_equalities(name: str, engine: Engine) -> None:
    read, expected = READS[name]
    for _ in range(2):  # the second time from SQLAlchemy's cache
        found = [show(one) for one in find_reads(engine, read)]
        assert sorted(found, key=str) == sorted(expected, key=str)


def test_values_are_those_of_the_execution(engine: Engine) -> None:
    def read(session: Session) -> None:
        for key in (1, 2):
            session.execute(sa.select(Tag.name).where(Tag.id == key)).all()

    found = [show(one) for one in find_reads(engine, read)]
    assert found == [("tag", {"id": {1}}), ("tag", {"id": {2}})]


def test_rows_of_one_table_are_known_by_their_keys(engine: Engine) -> None:
    def read(session: Session) -> None:
        statement = sa.select(Seat).where(Seat.guest == "").order_by(Seat.number)
        assert [one.number for one in session.scalars(statement)] == [1, 2]

    [found] = find_reads(engine, read)
    assert found.keys == {("A", 1), ("A", 2)}
    assert found.deciding == {"guest", "number"}
    assert found.columns == {"row", "number", "guest"}
    assert found.key_columns == ("row", "number")


def test_row_by_its_key_is_known_by_that_alone(engine: Engine) -> None:
    [found] = find_reads(engine, lambda session: session.get(Seat, ("A", 2)))
    assert found.keys == {("A", 2)}  # text is not compared
    [found] = find_reads(engine, lambda session: session.get(Tag, 2))
    assert found.keys is None
    assert show(found) == ("tag", {"id": {2}})
    assert found.columns == {"id", "name"}


KEYLESS: dict[str, Any] = {
    "aggregate": sa.select(sa.func.count(Seat.number)),
    "window": sa.select(Seat.row, Seat.number, sa.func.row_number().over()),
    "distinct": sa.select(Seat).distinct(),
    "group": sa.select(Seat.row, Seat.number).group_by(Seat.row, Seat.number),
    "second page": sa.select(Seat).order_by(Seat.number).limit(1).offset(1),
    "part of the key": sa.select(Seat.number),
    "subquery": sa.select(Seat).where(sa.exists(sa.select(Tag.id))),
    "two tables": sa.select(Seat, Tag.id).where(Tag.id == Seat.number),
    "join": sa.select(Seat).join(Tag, Tag.id == Seat.number),
    "text": sa.select(Seat).where(sa.text("1 = 1")),
    "literal column": sa.select(Seat).where(sa.literal_column("number") == 1),
}


@pytest.mark.parametrize("name", KEYLESS)
def test_keys_say_nothing_where_more_than_rows_decides(name: str, engine: Engine) -> None:
    found = find_reads(engine, lambda session: session.execute(KEYLESS[name]).all())
    assert found
    assert {one.keys for one in found} == {None}


def test_any_column_decides_of_a_page(engine: Engine) -> None:
    statement = sa.select(Seat).order_by(Seat.number).limit(1)
    [found] = find_reads(engine, lambda session: session.execute(statement).all())
    assert found.keys == {("A", 1)}
    assert found.deciding is None


def test_streamed_rows_are_not_fetched_at_once(engine: Engine) -> None:
    def read(session: Session) -> None:
        statement = sa.select(Seat).execution_options(yield_per=1)
        assert len(session.scalars(statement).all()) == 2

    [found] = find_reads(engine, read)
    assert found.keys is None


def test_query_that_fails_has_read_as_well(engine: Engine) -> None:
    def read(session: Session) -> None:
        with pytest.raises(OperationalError):
            session.execute(sa.text("SELECT no_column FROM shelf_tag"))

    assert [show(one) for one in find_reads(engine, read)] == [("tag", {})]


def test_view_reads_more_of_a_table_than_the_statement_does(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.begin() as link:
        link.execute(sa.text("DROP VIEW IF EXISTS shelf_view"))
        link.execute(sa.text("CREATE VIEW shelf_view AS SELECT id, name FROM shelf_tag"))
    name = f"sqlite:{engine.url.database}"
    monkeypatch.setattr(views, "_asked", {})
    assert views.know_views(name, partial(fetch, engine), is_missing=False)
    view = sa.table("shelf_view", sa.column("id"), sa.column("name"))
    statement = sa.select(view.c.name).join(Tag, Tag.id == 1)
    try:
        found = find_reads(engine, lambda session: session.execute(statement.where(Tag.id == 1)))
    finally:
        with engine.begin() as link:
            link.execute(sa.text("DROP VIEW shelf_view"))
    shown = [show(one) for one in found]
    assert ("tag", {"id": {1}}) in shown
    assert ("tag", {}) in shown


def fetch(engine: Engine, query: str) -> Any:
    with engine.connect() as link:
        return link.exec_driver_sql(query).all()


def test_text_that_names_no_known_table_is_noted(engine: Engine) -> None:
    with recording() as recorder, Session(engine) as session:
        session.execute(sa.text("SELECT 1 FROM pragma_table_list")).all()
        session.execute(sa.text("SELECT 1")).all()
        session.execute(sa.select(Tag)).all()
    assert [one.table.name for one in recorder.reads] == ["shelf_tag"]
    assert recorder.unknown == ["SELECT 1 FROM pragma_table_list"]


def test_async_engine_is_recorded_by_who_awaits(engine: Engine) -> None:
    async def read() -> None:
        made = create_async_engine(engine.url.set(drivername="sqlite+aiosqlite"))
        async with AsyncSession(made) as session:
            await asyncio.gather(asyncio.create_task(read_one(session)))
        await made.dispose()

    async def read_one(session: AsyncSession) -> None:
        assert await session.scalar(sa.select(Tag.name).where(Tag.id == 1)) == "t1"
        assert len((await session.scalars(sa.select(Seat))).all()) == 2

    with recording() as recorder:
        asyncio.run(read())
    found = [show(one) for one in recorder.reads]
    assert found == [("tag", {"id": {1}}), ("seat", {})]
    assert recorder.reads[1].keys == {("A", 1), ("A", 2)}


def test_nothing_is_noted_where_nobody_records(engine: Engine) -> None:
    with recording() as recorder:
        pass
    with Session(engine) as session:
        session.scalars(sa.select(Tag)).all()
    assert recorder.reads == []


# Whatever is read and whatever is written: who is affected is told.

PAIRS = 4_000


def make_rows(engine: Engine) -> None:
    with engine.begin() as link:
        for table in (notes, item_tags, tags, items):
            link.execute(sa.delete(table))
        link.execute(
            sa.insert(items),
            [
                {"id": one, "nm": "abc"[one % 3], "kind": "item", "number": one % 4}
                for one in range(1, 9)
            ],
        )
        link.execute(sa.insert(tags), [{"id": one, "name": f"t{one}"} for one in range(1, 5)])
        link.execute(
            sa.insert(notes),
            [{"id": one, "tag_id": one % 4 + 1, "text": "x"} for one in range(1, 7)],
        )


def choose_read(rnd: random.Random) -> Any:
    key, number, name = rnd.randint(1, 9), rnd.randint(0, 4), rnd.choice("abc")
    conditions = [
        Item.number == number,
        Item.id.in_([key, key + 1, key + 2]),
        Item.name == name,
        Item.number > number,
        (Item.number == number) | (Item.id == key),
        Item.id != key,
    ]
    chosen = rnd.sample(conditions, rnd.randint(0, 2))
    of_tags = [Tag.id == key % 4 + 1, Tag.notes.any(Note.text == "x"), Note.tag_id == key % 4 + 1]
    match rnd.randint(0, 9):
        case 0:
            return sa.select(sa.func.count(), sa.func.max(Item.name)).where(*chosen)
        case 1:
            return sa.select(Item.number).where(*chosen).distinct().order_by(Item.number)
        case 2:
            return sa.select(Item.name).where(*chosen).order_by(Item.name, Item.id).limit(3)
        case 3:
            return sa.select(items).where(*chosen).order_by(items.c.nm, items.c.id).limit(3)
        case 4:
            return sa.select(items).where(*chosen).order_by(items.c.id).limit(2).offset(2)
        case 5:
            return (
                sa.select(Tag.id, Note.id, Note.text)
                .outerjoin(Note)
                .where(*rnd.sample(of_tags, 1))
                .order_by(Tag.id, Note.id)
            )
        case 6:
            return (
                sa.select(Tag.id, Tag.name)
                .outerjoin(Note)
                .where(Note.id.is_(None), *rnd.sample(of_tags[:2], 1))
                .order_by(Tag.id)
            )
        case 7:
            inner = sa.select(Note.tag_id).where(Note.id.in_([key, key + 1]))
            return sa.select(tags).where(tags.c.id.in_(inner)).order_by(tags.c.id)
        case _:
            return sa.select(items).where(*chosen).order_by(rnd.choice([items.c.id, items.c.nm]))


def choose_write(rnd: random.Random, session: Session) -> None:
    key, number, name = rnd.randint(1, 9), rnd.randint(0, 4), rnd.choice("abc")
    match rnd.randint(0, 13):
        case 0:
            session.add(Item(name=name, number=number))
        case 1:
            session.execute(sa.update(Item).where(Item.id == key).values(number=number))
        case 2:
            session.execute(sa.update(Item).where(Item.number == number).values(name=name))
        case 3:
            session.execute(sa.update(Item).values(number=(Item.number + 1) % 5))
        case 4:
            session.execute(sa.delete(Item).where(Item.id == key))
        case 5:
            session.execute(sa.delete(Item).where(Item.number == number))
        case 6:
            rows = [{"nm": name, "kind": "item", "number": number} for _ in range(2)]
            session.execute(sa.insert(items), rows)
        case 7:
            session.execute(sa.text("UPDATE shelf_item SET nm = :name"), {"name": name})
        case 8:
            found = session.get(Item, key)
            if found is not None:
                found.number, found.name = number, name
        case 9:
            session.execute(sa.update(Note).where(Note.id == key).values(tag_id=key % 4 + 1))
        case 10:
            session.execute(sa.delete(Tag).where(Tag.id == number))
        case 11:
            session.execute(
                sa.insert(notes).values(tag_id=sa.select(sa.func.min(tags.c.id)).scalar_subquery())
            )
        case 12:
            session.execute(sa.update(Item), [{"id": 1, "number": number}, {"id": 2, "name": name}])
        case _:
            rows = [{"which": one, "number": number} for one in (key, key + 1)]
            statement = items.update().where(items.c.id == sa.bindparam("which"))
            session.connection().execute(statement, rows)


@pytest.mark.parametrize("seed", range(4))
def test_affected_is_a_superset_of_changed(seed: int, engine: Engine) -> None:
    rnd = random.Random(seed)
    changed = affected = pairs = 0
    while pairs < PAIRS // 4:
        make_rows(engine)
        statements = [choose_read(rnd) for _ in range(12)]
        for _ in range(4):
            before = [evaluate(engine, one) for one in statements]
            told: list[Change] = []
            hearing = telling.heard_by(told.extend)
            with hearing, Session(engine) as session, suppress(StaleDataError):
                choose_write(rnd, session)
                session.commit()
            for statement, (rows, reads) in zip(statements, before, strict=True):
                is_changed = evaluate(engine, statement)[0] != rows
                is_affected = any(one.is_concerned_by(change) for one in reads for change in told)
                assert is_affected or not is_changed, (str(statement), rows, reads, told)
                pairs += 1
                changed += is_changed
                affected += is_affected
    assert changed > pairs // 20
    assert affected < pairs * 0.9


def evaluate(engine: Engine, statement: Any) -> tuple[Sequence[Any], Sequence[Dependency]]:
    with recording() as recorder, engine.connect() as link:
        rows = link.execute(statement).all()
    assert recorder.reads
    assert recorder.unknown == []
    return rows, recorder.reads
