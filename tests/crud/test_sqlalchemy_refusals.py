"""What PostgreSQL says against a row names the field, with either driver, and nothing else."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from django_vortex.orm.model_spec import Shape
from django_vortex.orm.sqlalchemy.store import SqlAlchemyStore
from django_vortex.orm.store import RefusedByDatabase, Scope
from tests.crud.test_sqlalchemy_columns import run_inline
from tests.support.postgres import USER, PostgresServer


class Base(DeclarativeBase):
    pass


class Shop(Base):
    __tablename__ = "shop"
    __table_args__ = (
        UniqueConstraint("street", "house"),
        Index("one_per_phone", "phone", unique=True),
        CheckConstraint("house > 0"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column("shop_name", String(5), unique=True)
    street: Mapped[str] = mapped_column(default="Main")
    house: Mapped[int | None]
    phone: Mapped[str | None]
    owner: Mapped[int | None] = mapped_column(ForeignKey("shop.id"))


SECRETS = ["shop_name", "one_per_phone", "Other", "DETAIL", "SQL"]


@pytest.fixture(scope="session")
def shops(postgres: PostgresServer) -> URL:
    """The address of a database with one shop."""
    postgres.create_database("shops")
    query = {"host": postgres.host}
    url = URL.create("postgresql+psycopg", username=USER, database="shops", query=query)
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with sessionmaker(engine).begin() as session:
        session.add(Shop(id=1, name="Other", house=1, phone="5"))
    engine.dispose()
    return url


@pytest.fixture(params=["psycopg", "asyncpg"])
async def store(request: pytest.FixtureRequest, shops: URL) -> AsyncIterator[SqlAlchemyStore]:
    if request.param == "psycopg":
        engine = create_engine(shops)
        yield SqlAlchemyStore(sessionmaker(engine), run_inline)
        engine.dispose()
        return
    concurrent = create_async_engine(shops.set(drivername="postgresql+asyncpg"))
    yield SqlAlchemyStore(async_sessionmaker(concurrent), run_inline)
    await concurrent.dispose()


@pytest.mark.parametrize(
    ("values", "text", "field"),
    [
        ({"name": "Other"}, "Another row has this already", "name"),
        ({"phone": "5"}, "Another row has this already", "phone"),
        ({"id": 1}, "Another row has this already", "id"),
        ({"house": 1}, "Another row has this already", ""),
        ({"owner": 77}, "There is no such row", "owner"),
        ({"house": -1}, "The database does not allow this value", ""),
    ],
)
async def test_a_new_row_that_breaks_a_constraint(
    store: SqlAlchemyStore, values: dict[str, Any], text: str, field: str
) -> None:
    def work(unit: Any) -> None:
        spec = store.describe(Shop)
        rows = unit.rows(Shape(spec, tuple(spec.fields)), Scope())
        row = rows.new()
        rows.set_values(row, {"id": 9, "name": "New", **values})
        rows.insert(row)

    with pytest.raises(RefusedByDatabase) as refused:
        await store.run(work)
    assert (refused.value.text, refused.value.field) == (text, field)
    assert not any(secret in str(refused.value) for secret in SECRETS)


async def test_a_value_that_is_missing_or_too_long(store: SqlAlchemyStore) -> None:
    def work(unit: Any, name: Any) -> None:
        unit.rows(Shape(store.describe(Shop), ("id",)), Scope()).insert(Shop(id=9, name=name))

    for name, field in [(None, "name"), ("too long", "")]:
        with pytest.raises(RefusedByDatabase) as refused:
            await store.run(lambda unit, name=name: work(unit, name))  # type: ignore[misc]
        assert refused.value.field == field
