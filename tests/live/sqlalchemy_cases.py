"""Ways in which SQLAlchemy writes: `CASES`, by name what does it and what is told of it."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from tests.live.shelf import Item, Seat, Special, Tag, make_engine

items, tags, seats = Item.__table__, Tag.__table__, Seat.__table__


@dataclass(frozen=True)
class Place:
    """A database, as the cases reach it."""

    engine: Engine
    old_engine: Engine
    """Made, and used, before anything was installed."""
    url: URL
    async_url: URL

    @property
    def is_postgres(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    @property
    def dialect(self) -> Any:
        return postgresql if self.is_postgres else sqlite


@dataclass(frozen=True)
class Case:
    """One way to write.

    Attributes:
        write: Does it.
        is_told: Whether anything is told of it; of what is rolled back, or not seen, nothing is.
        is_seen: Whether what it changes is told.
        databases: Where it can be done.
    """

    write: Callable[[Place], object]
    is_told: bool = True
    is_seen: bool = True
    databases: tuple[str, ...] = field(default=("sqlite", "postgres"))


CASES: dict[str, Case] = {}


def case(**options: Any) -> Callable[[Callable[[Place], object]], Callable[[Place], object]]:
    def add(write: Callable[[Place], object]) -> Callable[[Place], object]:
        CASES[write.__name__] = Case(write, **options)
        return write

    return add


ON_POSTGRES: Any = {"databases": ("postgres",)}
ON_SQLITE: Any = {"databases": ("sqlite",)}


@case()
def add(place: Place) -> None:
    with Session(place.engine) as session:
        session.add(Item(name="n"))
        session.commit()


@case()
def add_many(place: Place) -> None:
    with Session(place.engine) as session:
        session.add_all([Item(name=f"n{index}", number=index) for index in range(30)])
        session.commit()


@case()
def add_more_than_keys_are_kept(place: Place) -> None:
    with Session(place.engine) as session:
        session.add_all([Tag(name="many") for _ in range(1100)])
        session.commit()


@case()
def change(place: Place) -> None:
    with Session(place.engine) as session:
        session.get_one(Item, 1).name = "z"
        session.commit()


@case()
def change_to_an_expression(place: Place) -> None:
    with Session(place.engine) as session:
        session.get_one(Item, 1).number = Item.number + 5
        session.commit()


@case()
def change_many(place: Place) -> None:
    with Session(place.engine) as session:
        for one in session.scalars(sa.select(Item)):
            one.number = one.id * 10
        session.commit()


@case()
def change_composite_key(place: Place) -> None:
    with Session(place.engine) as session:
        session.get_one(Seat, ("A", 2)).guest = "Bo"
        session.commit()


@case()
def change_the_key_itself(place: Place) -> None:
    with Session(place.engine) as session:
        session.get_one(Seat, ("A", 2)).number = 9
        session.commit()


@case()
def delete(place: Place) -> None:
    with Session(place.engine) as session:
        session.delete(session.get_one(Item, 2))
        session.commit()


@case()
def delete_with_children_by_the_database(place: Place) -> None:
    with Session(place.engine) as session:
        session.delete(session.get_one(Tag, 2))
        session.commit()


@case()
def many_to_many(place: Place) -> None:
    with Session(place.engine) as session:
        item = session.get_one(Item, 1)
        item.tags.append(session.get_one(Tag, 1))
        session.commit()


@case()
def joined_inheritance(place: Place) -> None:
    with Session(place.engine) as session:
        session.add(Special(name="sp", extra="x"))
        session.commit()


@case()
def update_statement(place: Place) -> None:
    with Session(place.engine) as session:
        session.execute(sa.update(Item).where(Item.id == 1).values(name="u"))
        session.commit()


@case()
def update_of_several_by_key(place: Place) -> None:
    with Session(place.engine) as session:
        session.execute(sa.update(Item).where(Item.id.in_([1, 2])).values({Item.number: 8}))
        session.commit()


@case()
def update_with_parameter_of_another_name(place: Place) -> None:
    with place.engine.begin() as link:
        statement = sa.update(items).values(number=sa.bindparam("other"))
        link.execute(statement, {"other": 17})


@case()
def update_with_function_of_a_parameter(place: Place) -> None:
    with place.engine.begin() as link:
        value = sa.func.abs(sa.bindparam("shown", type_=sa.Integer))
        link.execute(sa.update(items).values(number=value), {"shown": -3})


@case()
def update_from_another_table(place: Place) -> None:
    with place.engine.begin() as link:
        link.execute(sa.update(items).where(items.c.id == tags.c.id).values(nm=tags.c.name))


@case()
def bulk_insert(place: Place) -> None:
    with Session(place.engine) as session:
        rows = [{"name": "b1", "kind": "item"}, {"name": "b2", "kind": "item"}]
        session.execute(sa.insert(Item), rows)
        session.commit()


@case()
def bulk_insert_of_thousands(place: Place) -> None:
    with Session(place.engine) as session:
        session.execute(sa.insert(Item), [{"name": "b", "kind": "item"} for _ in range(3000)])
        session.commit()


@case()
def bulk_insert_returning(place: Place) -> None:
    with Session(place.engine) as session:
        rows = [{"name": "b1", "number": 4}, {"name": "b2", "number": 5}]
        session.scalars(sa.insert(Tag).returning(Tag), [{"name": "b1"}, {"name": "b2"}]).all()
        session.scalars(sa.insert(Item).returning(Item), rows).all()
        session.commit()


@case()
def bulk_update_by_key(place: Place) -> None:
    with Session(place.engine) as session:
        rows = [{"id": 1, "name": "m1"}, {"id": 2, "name": "m2"}]
        session.execute(sa.update(Item), rows)
        session.commit()


@case()
def bulk_save_objects(place: Place) -> None:
    with Session(place.engine) as session:
        session.bulk_save_objects([Item(name="bs", kind="item")])
        session.commit()


@case()
def query_delete(place: Place) -> None:
    with Session(place.engine) as session:
        session.query(Item).filter_by(id=2).delete()
        session.commit()


@case()
def insert_with_values_of_several_rows(place: Place) -> None:
    with place.engine.begin() as link:
        link.execute(sa.insert(tags).values([{"name": "v1"}, {"name": "v2"}]))


@case()
def insert_from_select(place: Place) -> None:
    with place.engine.begin() as link:
        link.execute(sa.insert(tags).from_select(["name"], sa.select(items.c.nm)))


@case()
def core_update_of_all(place: Place) -> None:
    with place.engine.begin() as link:
        link.execute(items.update().values(nm="core"))


@case()
def core_executemany(place: Place) -> None:
    with place.engine.begin() as link:
        statement = items.update().where(items.c.id == sa.bindparam("which"))
        rows = [{"which": 1, "nm": "e1"}, {"which": 2, "nm": "e2"}]
        link.execute(statement, rows)


@case()
def commit_as_you_go(place: Place) -> None:
    with place.engine.connect() as link:
        link.execute(items.update().values(nm="first"))
        link.commit()
        link.execute(tags.update().values(name="second"))
        link.commit()


@case()
def text(place: Place) -> None:
    with place.engine.begin() as link:
        link.execute(sa.text("UPDATE shelf_item SET nm = :name"), {"name": "t"})


@case()
def text_of_the_driver(place: Place) -> None:
    with place.engine.begin() as link:
        link.exec_driver_sql("/* first */ update shelf_item set nm = 'd'")


@case()
def text_with_columns(place: Place) -> None:
    with place.engine.begin() as link:
        statement = sa.text("UPDATE shelf_item SET nm = 'c' RETURNING id").columns(id=sa.Integer)
        link.execute(statement).all()


@case()
def text_as_a_cte(place: Place) -> None:
    if place.is_postgres:
        writing = sa.text("UPDATE shelf_tag SET name = 'cte' RETURNING id")
        written = writing.columns(id=sa.Integer).cte("written")
        with place.engine.begin() as link:
            link.execute(sa.select(written)).all()
    else:
        with place.engine.begin() as link:
            link.execute(
                sa.text(
                    "WITH x AS (SELECT 1 AS id) "
                    "UPDATE shelf_tag SET name = 'cte' WHERE id IN (SELECT id FROM x)"
                )
            )


@case(**ON_POSTGRES)
def statement_as_a_cte(place: Place) -> None:
    written = items.update().values(nm="cte").returning(items.c.id).cte("written")
    with place.engine.begin() as link:
        link.execute(sa.select(written)).all()


@case(**ON_POSTGRES)
def insert_after_a_delete_as_a_cte(place: Place) -> None:
    gone = sa.delete(seats).returning(seats.c.row).cte("gone")
    with place.engine.begin() as link:
        link.execute(sa.insert(tags).from_select(["name"], sa.select(gone.c.row)))


@case(**ON_POSTGRES)
def truncate(place: Place) -> None:
    with place.engine.begin() as link:
        link.execute(sa.text("TRUNCATE shelf_seat"))


@case()
def upsert(place: Place) -> None:
    statement = place.dialect.insert(Tag).values(id=1, name="up")
    with Session(place.engine) as session:
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["id"], set_={"name": statement.excluded.name + "!"}
            )
        )
        session.commit()


@case(**ON_SQLITE)
def insert_or_replace(place: Place) -> None:
    with place.engine.begin() as link:
        link.execute(sa.insert(tags).prefix_with("OR REPLACE").values(id=1, name="replaced"))


@case()
def savepoint_rolled_back(place: Place) -> None:
    with Session(place.engine) as session:
        session.add(Tag(name="kept"))
        session.flush()
        inner = session.begin_nested()
        session.execute(sa.update(Item).values(name="lost"))
        inner.rollback()
        session.commit()


@case()
def savepoint_released(place: Place) -> None:
    with Session(place.engine) as session:
        session.add(Item(name="before"))
        session.flush()
        with session.begin_nested():
            session.add(Tag(name="in savepoint"))
        session.commit()


@case()
def inner_savepoint_rolled_back(place: Place) -> None:
    with Session(place.engine) as session:
        session.add(Item(name="before"))
        session.flush()
        with session.begin_nested():
            session.execute(sa.update(Tag).values(name="kept"))
            inner = session.begin_nested()
            session.execute(sa.update(Seat).values(guest="lost"))
            inner.rollback()
        session.commit()


@case()
def savepoints_of_transactions_one_after_another(place: Place) -> None:
    with Session(place.engine) as session:
        for name in ("one", "two"):
            session.add(Item(name=name))
            session.flush()
            with session.begin_nested():
                session.execute(sa.update(Tag).values(name=name))
            session.commit()


@case()
def savepoint_of_a_failed_insert(place: Place) -> None:
    with Session(place.engine) as session:
        session.add(Item(name="before"))
        session.flush()
        try:
            with session.begin_nested():
                session.execute(sa.insert(Tag).values(id=1, name="dup"))
        except IntegrityError:
            session.execute(sa.update(Tag).values(name="instead"))
        session.commit()


@case(is_told=False)
def rolled_back(place: Place) -> None:
    with Session(place.engine) as session:
        session.add(Tag(name="no"))
        session.flush()
        session.rollback()


@case()
def rolled_back_then_committed(place: Place) -> None:
    with Session(place.engine) as session:
        session.add(Item(name="no"))
        session.flush()
        session.rollback()
        session.add(Tag(name="yes"))
        session.commit()


@case(is_told=False)
def closed_without_commit(place: Place) -> None:
    with Session(place.engine) as session:
        session.add(Tag(name="no"))
        session.flush()


@case(is_told=False)
def connection_closed_without_commit(place: Place) -> None:
    with place.engine.connect() as link:
        link.execute(items.update().values(nm="no"))


@case()
def failed_flush_then_core(place: Place) -> None:
    with Session(place.engine) as session:
        session.add(Item(id=1, name="dup"))
        try:
            session.flush()
        except IntegrityError:
            session.rollback()
        session.execute(sa.update(Tag).values(name="after"))
        session.commit()


@case(**ON_SQLITE)
def executemany_that_fails_halfway(place: Place) -> None:
    with place.engine.connect() as link:
        try:
            link.execute(sa.insert(tags), [{"id": 7, "name": "in"}, {"id": 1, "name": "dup"}])
        except IntegrityError:
            link.commit()


@case()
def autocommit(place: Place) -> None:
    with place.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
        link.execute(sa.update(Tag).values(name="auto"))


@case()
def autocommit_of_an_engine(place: Place) -> None:
    engine = make_engine(place.url, isolation_level="AUTOCOMMIT")
    with Session(engine) as session:
        session.add(Tag(name="auto"))
        session.flush()
        session.rollback()  # which takes nothing back
    engine.dispose()


@case()
def autocommit_returning(place: Place) -> None:
    with place.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
        link.execute(sa.update(Tag).values(name="auto").returning(Tag.id)).first()


@case()
def autocommit_returning_unread(place: Place) -> None:
    with place.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
        link.execute(sa.update(Tag).values(name="auto").returning(Tag.id))


@case(**ON_SQLITE)
def autocommit_that_fails_halfway(place: Place) -> None:
    link = place.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with link, contextlib.suppress(IntegrityError):
        link.execute(sa.insert(tags), [{"id": 7, "name": "in"}, {"id": 1, "name": "dup"}])


@case()
def autocommit_within_raw_transaction(place: Place) -> None:
    with place.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
        link.execute(sa.text("BEGIN"))
        link.execute(sa.update(Tag).values(name="raw"))
        link.execute(sa.text("COMMIT"))


@case()
def committed_by_a_text(place: Place) -> None:
    with place.engine.connect() as link:
        link.execute(sa.update(Tag).values(name="raw"))
        link.exec_driver_sql("COMMIT")


@case(**ON_SQLITE)
def savepoint_first_on_sqlite(place: Place) -> None:
    """The driver begins no transaction: with the savepoint everything is committed."""
    with Session(place.engine) as session:
        with session.begin_nested():
            session.execute(sa.update(Tag).values(name="kept"))
        session.rollback()


@case(**ON_POSTGRES)
def two_phase(place: Place) -> None:
    with Session(place.engine, twophase=True) as session:
        session.add(Tag(name="2p"))
        session.commit()


@case(is_told=False, **ON_POSTGRES)
def two_phase_rolled_back(place: Place) -> None:
    with place.engine.connect() as link:
        transaction = link.begin_twophase()
        link.execute(sa.update(Tag).values(name="no"))
        transaction.prepare()
        transaction.rollback()


@case(**ON_POSTGRES)
def two_phase_by_another_connection(place: Place) -> None:
    with place.engine.connect() as link:
        transaction = link.begin_twophase()
        link.execute(sa.update(Tag).values(name="2p"))
        transaction.prepare()
        link.invalidate()
    with place.engine.connect() as other:
        [xid] = other.recover_twophase()
        other.commit_prepared(xid, recover=True)


@case(is_told=False)
def session_within_an_outer_transaction(place: Place) -> None:
    """How tests keep a database clean: a commit of the session is none."""
    with place.engine.connect() as link:
        outer = link.begin()
        link.execute(sa.select(Tag)).all()
        link.execute(sa.update(Item).values(name="no"))
        with Session(link, join_transaction_mode="create_savepoint") as session:
            session.add(Tag(name="test"))
            session.commit()
        outer.rollback()


@case()
def async_session(place: Place) -> None:
    async def work() -> None:
        engine = create_async_engine(place.async_url)
        async with AsyncSession(engine) as session:
            session.add(Item(name="as"))
            await session.execute(sa.update(Tag).values(name="async"))
            await session.commit()
        await engine.dispose()

    asyncio.run(work())


@case(is_told=False)
def async_session_rolled_back(place: Place) -> None:
    async def work() -> None:
        engine = create_async_engine(place.async_url)
        async with AsyncSession(engine) as session:
            await session.execute(sa.update(Tag).values(name="no"))
            await session.rollback()
            await session.execute(sa.update(Tag).values(name="no"))
        await engine.dispose()

    asyncio.run(work())


@case()
def async_autocommit(place: Place) -> None:
    async def work() -> None:
        engine = create_async_engine(place.async_url, isolation_level="AUTOCOMMIT")
        async with engine.connect() as link:
            await link.execute(sa.update(Tag).values(name="async"))
        await engine.dispose()

    asyncio.run(work())


@case(**ON_POSTGRES)
def async_psycopg(place: Place) -> None:
    async def work() -> None:
        engine = create_async_engine(place.url.set(drivername="postgresql+psycopg_async"))
        async with engine.begin() as link:
            await link.execute(sa.update(Tag).values(name="async"))
        await engine.dispose()

    asyncio.run(work())


@case()
def own_session_class(place: Place) -> None:
    class Mine(Session):
        pass

    with sessionmaker(place.engine, class_=Mine).begin() as session:
        session.add(Tag(name="mine"))


@case()
def engine_made_before(place: Place) -> None:
    with place.old_engine.begin() as link:
        link.execute(sa.update(Tag).values(name="old engine"))


@case()
def engine_with_options(place: Place) -> None:
    engine = place.engine.execution_options(isolation_level="SERIALIZABLE")
    with engine.begin() as link:
        link.execute(sa.update(Tag).values(name="option"))


@case()
def autoflush_within_a_query(place: Place) -> None:
    with Session(place.engine) as session:
        session.get_one(Item, 1).name = "af"
        session.scalars(sa.select(Tag)).all()
        session.commit()


@case()
def several_statements_on_a_row(place: Place) -> None:
    with Session(place.engine) as session:
        item = Item(name="new", number=1)
        session.add(item)
        session.flush()
        item.number = 2
        session.flush()
        session.execute(sa.update(Item).where(Item.number == 2).values(number=3))
        session.commit()


@case()
def table_of_another_metadata(place: Place) -> None:
    other = sa.Table("shelf_tag", sa.MetaData(), sa.Column("name", sa.String))
    with place.engine.begin() as link:
        link.execute(other.update().values(name="other"))


@case()
def light_table(place: Place) -> None:
    light = sa.table("shelf_tag", sa.column("name"))
    with place.engine.begin() as link:
        link.execute(light.update().values(name="light"))


@case(is_told=False, is_seen=False)
def raw_connection(place: Place) -> None:
    raw = place.engine.raw_connection()
    raw.cursor().execute("UPDATE shelf_item SET nm = 'raw'")
    raw.commit()
    raw.close()


@case(is_told=False, is_seen=False)
def cursor_of_the_driver(place: Place) -> None:
    with place.engine.begin() as link:
        link.connection.cursor().execute("UPDATE shelf_item SET nm = 'raw'")
