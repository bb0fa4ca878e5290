"""What was read of a row and is sent back in ``where`` finds that row, of every kind of column."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from django_vortex.wire.dialects import Dialect
from tests.crud.column_places import *  # noqa: F403
from tests.crud.column_places import ALL, DECLARED, DRIVERS, POSTGRES_ALL, Place, make_sessions
from tests.crud.django_fields import VALUES, Kinds
from tests.crud.django_postgres_fields import POSTGRES_VALUES, PostgresKinds
from tests.crud.django_shelf import Shelf
from tests.crud.field_edges import *  # noqa: F403
from tests.crud.field_edges import (
    EDGES,
    FILLED,
    NAMES,
    ODD_POSTGRES,
    ODD_SQLITE,
    POSTGRES_NAMES,
    Odd,
    drawn,
    fill,
)
from tests.crud.field_fixtures import *  # noqa: F403
from tests.crud.filtering_shelf import FilteringShelf


def check_field(shelf: Shelf, filtering: FilteringShelf, name: str, drawn: Any) -> None:
    fill(shelf, FILLED.get(name, name), [None, *EDGES.get(name, ()), *drawn])
    filtering.check(name)


@pytest.fixture(scope="module")
def sqlite_filters(sqlite_shelf: Shelf) -> FilteringShelf:
    return FilteringShelf(Kinds, NAMES, using=sqlite_shelf.alias)


@pytest.fixture(scope="module")
def postgres_filters(postgres_shelf: Shelf) -> FilteringShelf:
    return FilteringShelf(Kinds, NAMES, using=postgres_shelf.alias)


@pytest.fixture(scope="module")
def arrays_filters(arrays_shelf: Shelf) -> FilteringShelf:
    return FilteringShelf(PostgresKinds, POSTGRES_NAMES, using=arrays_shelf.alias)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=2)
@given(data=st.data())
def test_django_fields_of_sqlite(
    sqlite_shelf: Shelf, sqlite_filters: FilteringShelf, name: str, data: st.DataObject
) -> None:
    check_field(sqlite_shelf, sqlite_filters, name, data.draw(drawn(name, VALUES)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dialect", [one for one in Dialect if not one.is_native])
def test_released_clients(
    sqlite_shelf: Shelf, sqlite_filters: FilteringShelf, name: str, dialect: Dialect
) -> None:
    fill(sqlite_shelf, FILLED.get(name, name), [None, *EDGES.get(name, ())])
    sqlite_filters.check(name, dialect)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=2)
@given(data=st.data())
def test_django_fields_of_postgresql(
    postgres_shelf: Shelf, postgres_filters: FilteringShelf, name: str, data: st.DataObject
) -> None:
    check_field(postgres_shelf, postgres_filters, name, data.draw(drawn(name, VALUES)))


@pytest.mark.parametrize("name", POSTGRES_NAMES)
@settings(max_examples=2)
@given(data=st.data())
def test_django_fields_that_postgresql_alone_has(
    arrays_shelf: Shelf, arrays_filters: FilteringShelf, name: str, data: st.DataObject
) -> None:
    check_field(arrays_shelf, arrays_filters, name, data.draw(drawn(name, POSTGRES_VALUES)))


@pytest.mark.parametrize("name", sorted(ODD_SQLITE.keys() - {"any"}))  # which is no text
def test_fields_over_a_sqlite_table_of_somebody_else(odd_sqlite: str, name: str) -> None:
    FilteringShelf(Odd, [name], using=odd_sqlite).check(name)


@pytest.mark.parametrize("name", sorted(ODD_POSTGRES.keys() - {"clock"}))  # Django has no zones
def test_fields_over_a_postgresql_table_of_somebody_else(odd_postgres: str, name: str) -> None:
    FilteringShelf(Odd, [name], using=odd_postgres).check(name)


def check_column(place: Place, name: str, drawn: Any) -> None:
    place.fill(name, [None, *place.edges(name), *drawn])
    for shelf in place.filtering:
        shelf.check(name)


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("name", list(ALL))
@settings(max_examples=2)
@given(data=st.data())
def test_columns_of_sqlite(sqlite_place: Place, name: str, data: st.DataObject) -> None:
    check_column(sqlite_place, name, data.draw(st.lists(st.none() | ALL[name][1], max_size=5)))


@pytest.mark.filterwarnings("ignore:Type object:sqlalchemy.exc.SADeprecationWarning")
@pytest.mark.parametrize("name", list(POSTGRES_ALL))
@settings(max_examples=2)
@given(data=st.data())
def test_columns_of_postgresql(postgres_place: Place, name: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.none() | POSTGRES_ALL[name][1], max_size=5))
    check_column(postgres_place, name, values)


@pytest.mark.parametrize("name", ["real", "number", "word", "mood", "span"])
@pytest.mark.parametrize("driver", DRIVERS)
def test_columns_over_a_table_of_somebody_else(
    declared_engine: Engine, name: str, driver: str
) -> None:
    sessions = make_sessions(declared_engine, driver)
    assert FilteringShelf(DECLARED, [name], session_factory=sessions).check(name)
