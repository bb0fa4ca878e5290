"""Whatever peers may order Django rows by, the pages of a list have every row once."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_vortex.exceptions import DefinitionError
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
from tests.crud.paging_shelf import PagingShelf


def check_field(shelf: Shelf, paging: PagingShelf, name: str, drawn: Sequence[Any]) -> None:
    values = [None, *EDGES.get(name, ()), *drawn, *drawn[:3], None]
    paging.check(name, fill(shelf, FILLED.get(name, name), values))


@pytest.fixture(scope="module")
def sqlite_pages(sqlite_shelf: Shelf) -> PagingShelf:
    return PagingShelf(Kinds, NAMES, using=sqlite_shelf.alias)


@pytest.fixture(scope="module")
def postgres_pages(postgres_shelf: Shelf) -> PagingShelf:
    return PagingShelf(Kinds, NAMES, using=postgres_shelf.alias)


@pytest.fixture(scope="module")
def arrays_pages(arrays_shelf: Shelf) -> PagingShelf:
    return PagingShelf(PostgresKinds, POSTGRES_NAMES, using=arrays_shelf.alias)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=2)
@given(data=st.data())
def test_pages_of_sqlite_have_every_row_once(
    sqlite_shelf: Shelf, sqlite_pages: PagingShelf, name: str, data: st.DataObject
) -> None:
    check_field(sqlite_shelf, sqlite_pages, name, data.draw(drawn(name, VALUES)))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=2)
@given(data=st.data())
def test_pages_of_postgresql_have_every_row_once(
    postgres_shelf: Shelf, postgres_pages: PagingShelf, name: str, data: st.DataObject
) -> None:
    check_field(postgres_shelf, postgres_pages, name, data.draw(drawn(name, VALUES)))


@pytest.mark.parametrize("name", POSTGRES_NAMES)
@settings(max_examples=2)
@given(data=st.data())
def test_pages_of_what_postgresql_alone_has_do_too(
    arrays_shelf: Shelf, arrays_pages: PagingShelf, name: str, data: st.DataObject
) -> None:
    check_field(arrays_shelf, arrays_pages, name, data.draw(drawn(name, POSTGRES_VALUES)))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Kinds, "json"),
        (Kinds, "rich_json"),
        (PostgresKinds, "store"),
        (PostgresKinds, "documents"),
    ],
)
def test_what_has_no_order_is_refused(model: Any, name: str) -> None:
    with pytest.raises(DefinitionError, match=f"Cannot order by {model._meta.label}.{name}"):
        PagingShelf(model, [name])


@pytest.mark.parametrize("name", list(ODD_SQLITE))
def test_pages_over_a_sqlite_table_of_somebody_else_have_every_row_once(
    odd_sqlite: str, name: str
) -> None:
    PagingShelf(Odd, [name], using=odd_sqlite).check(name, 10)


@pytest.mark.parametrize("name", list(ODD_POSTGRES))
def test_pages_over_a_postgresql_table_of_somebody_else_have_every_row_once(
    odd_postgres: str, name: str
) -> None:
    PagingShelf(Odd, [name], using=odd_postgres).check(name, 10)
