"""Whatever peers may order SQLAlchemy rows by, the pages of a list have every row once."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import ARRAY, JSON, Column, Engine, Integer, MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import sessionmaker

from django_vortex.exceptions import DefinitionError
from tests.crud.column_places import *  # noqa: F403
from tests.crud.column_places import ALL, DECLARED, DRIVERS, POSTGRES_ALL, Place, make_sessions
from tests.crud.paging_shelf import PagingShelf


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("name", list(ALL))
@settings(max_examples=2)
@given(data=st.data())
def test_pages_of_sqlite_have_every_row_once(
    sqlite_place: Place, name: str, data: st.DataObject
) -> None:
    sqlite_place.check(name, data.draw(st.lists(st.none() | ALL[name][1], max_size=5)))


@pytest.mark.filterwarnings("ignore:Type object:sqlalchemy.exc.SADeprecationWarning")
@pytest.mark.parametrize("name", list(POSTGRES_ALL))
@settings(max_examples=2)
@given(data=st.data())
def test_pages_of_postgresql_have_every_row_once(
    postgres_place: Place, name: str, data: st.DataObject
) -> None:
    postgres_place.check(name, data.draw(st.lists(st.none() | POSTGRES_ALL[name][1], max_size=5)))


@pytest.mark.parametrize(
    "kind",
    [
        JSON(),
        postgresql.JSONB(),
        ARRAY(JSON),
        postgresql.JSONPATH(),
        postgresql.HSTORE(),
        postgresql.MONEY(),
    ],
)
def test_what_has_no_order_is_refused(kind: Any) -> None:
    table = Table("odd", MetaData(), Column("id", Integer, primary_key=True), Column("odd", kind))
    with pytest.raises(DefinitionError, match=r"Cannot order by table\.odd\.odd: databases have"):
        PagingShelf(table, ["odd"], session_factory=sessionmaker())


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("name", ["real", "number", "word", "mood", "span"])
def test_pages_over_a_table_of_somebody_else_have_every_row_once(
    declared_engine: Engine, name: str, driver: str
) -> None:
    sessions = make_sessions(declared_engine, driver)
    PagingShelf(DECLARED, [name], session_factory=sessions).check(name, 5)
