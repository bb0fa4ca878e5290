"""Conditions, orders and scopes mean on SQLAlchemy what they say."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from django_vortex.exceptions import DefinitionError, ValidationError
from django_vortex.orm.conditions import (
    NOTHING,
    Comparison,
    Native,
    Not,
    any_of,
    to_condition,
)
from django_vortex.orm.store import Order, Scope
from tests.unit.orm.library import Library, open_library
from tests.unit.orm.shelves import (
    Author,
    Book,
    stock,
)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path) as library:
        yield library


@pytest.mark.parametrize(
    ("where", "titles"),
    [
        (None, ["one", "two", "Three"]),
        ({"pages": None}, ["two"]),
        ({"pages__isnull": False}, ["one", "Three"]),
        ({"pages__lt": 100}, ["Three"]),
        ({"pages__lte": 100, "id__gt": 1}, ["Three"]),
        ({"pages__gte": 100}, ["one"]),
        ({"pages__range": [7, 99]}, ["Three"]),
        ({"id__in": [1, 3, 2**80, None]}, ["one", "Three"]),
        ({"id__in": []}, []),
        ({"id": 2**80}, []),
        ({"pages__lt": 2**80}, ["one", "Three"]),
        ({"pages__gt": -(2**80)}, ["one", "Three"]),
        ({"pages__gt": 2**80}, []),
        ({"title__contains": "T"}, ["Three"]),
        ({"title__icontains": "T"}, ["two", "Three"]),
        ({"title__startswith": "T"}, ["Three"]),
        ({"title__istartswith": "T"}, ["two", "Three"]),
        ({"title__endswith": "E"}, []),
        ({"title__iendswith": "E"}, ["one", "Three"]),
        ({"title__iexact": "ONE"}, ["one"]),
        ({"title__icontains": "%"}, []),
        ({"title__contains": "x' OR 1=1 --"}, []),
        ({"title": "\ud800"}, []),
        ({"title__contains": "\ud800"}, []),
        ({"pages__contains": "0"}, ["one"]),
        ({"author__name": "Bob"}, ["two"]),
        ({"pieces__number": 1}, ["one"]),
        (Not(Comparison("pages", "gt", 50)), ["two", "Three"]),
        (Native(Book.id > 1), ["two", "Three"]),
        (NOTHING, []),
        (any_of([Comparison("id", "exact", 1), Comparison("id", "exact", 2)]), ["one", "two"]),
    ],
)
def test_conditions_mean_what_they_say(library: Library, where: Any, titles: list[str]) -> None:
    assert library.titles(where, Order("id")) == titles
    condition = to_condition(where)
    assert library.titles(None, Order("id"), scope=Scope(None, condition)) == titles


@pytest.mark.parametrize("where", [{"nonsense": 1}, {"author__nonsense": 1}, {"author": 1}])
def test_a_field_that_does_not_exist_is_the_programmers_mistake(
    library: Library, where: dict[str, Any]
) -> None:
    with pytest.raises(DefinitionError, match="has no field"):
        library.titles(where)


def test_what_has_no_place_in_an_order_is_the_peers_mistake(library: Library) -> None:
    with pytest.raises(ValidationError, match="title: Expected text that UTF-8 can hold"):
        library.titles({"title__lt": "\ud800"})


def test_null_is_greater_than_every_value(library: Library) -> None:
    pages = Order("pages", is_nullable=True)
    assert library.titles(None, pages) == ["Three", "one", "two"]
    descending = Order("pages", is_descending=True, is_nullable=True)
    assert library.titles(None, descending) == ["two", "one", "Three"]


def test_a_list_has_a_limit(library: Library) -> None:
    found = library.do(lambda rows: rows.find(None, [Order("id", is_descending=True)], 2))
    assert [row.title for row in found] == ["Three", "two"]


@pytest.mark.parametrize(
    "queryset",
    [
        select(Book).where(Book.author_id == 1),
        select(Book).join(Book.author).where(Author.name == "Ann"),
        select(Book).join(Author.books.and_(Author.name == "Ann")).order_by(Book.id.desc()),
        select(Book).where(Book.id != 2).order_by(Book.id).limit(2),
        select(Book).order_by(Book.author_id, Book.id).limit(2),
    ],
)
def test_rows_outside_the_scope_do_not_exist(library: Library, queryset: Any) -> None:
    scope = Scope(queryset)
    found = library.do(lambda rows: rows.get_many([(1,), (2,), (3,)]), scope=scope)
    assert sorted(found) == [(1,), (3,)]
    assert library.titles({"id__gt": 1}, Order("id"), scope=scope) == ["Three"]


@pytest.mark.parametrize(
    "narrow",
    [
        lambda everything: everything.where(stock.c.amount > 1),
        lambda everything: everything.order_by(stock.c.amount.desc()).limit(1),
    ],
)
def test_the_scope_of_a_table_is_a_select_of_it(
    library: Library, narrow: Callable[[Any], Any]
) -> None:
    with library.engine.begin() as link:
        link.execute(stock.insert(), [{"place": "a", "number": n, "amount": n} for n in (1, 2)])
    scope = Scope(narrow(library.store.get_all(stock)))
    found = library.do(lambda rows: rows.find(), stock, scope)
    assert [(row.place, row.number) for row in found] == [("a", 2)]


@pytest.mark.parametrize("queryset", [select(Author), select(Book.id), "SELECT 1"])
def test_a_scope_of_something_else_is_a_mistake(library: Library, queryset: Any) -> None:
    with pytest.raises(DefinitionError, match="get_queryset has to"):
        library.titles(scope=Scope(queryset))
