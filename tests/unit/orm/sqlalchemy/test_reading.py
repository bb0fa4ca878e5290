"""Rows are read by key, complete, and in as few statements as can be."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from django_vortex.orm.conditions import (
    to_condition,
)
from django_vortex.orm.crud.row_tuples import make_row_tuple_type
from django_vortex.orm.sqlalchemy import tuples
from django_vortex.orm.store import Order, Scope, Version
from django_vortex.tuples import TupleRegistry, tuple_type
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect
from tests.unit.orm.library import Library, open_library
from tests.unit.orm.shelves import (
    Animal,
    Author,
    Book,
    Dog,
    Piece,
    stock,
)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path) as library:
        yield library


def test_rows_are_found_by_key(library: Library) -> None:
    found = library.do(lambda rows: rows.get_many([(3,), (1,), (9,), (1,)]))
    assert {key: row.title for key, row in found.items()} == {(3,): "Three", (1,): "one"}
    assert len(library.statements) == 1


@pytest.mark.parametrize("key", [("1",), (True,), (None,), (2**70,), ([1],), (1, 1), ()])
def test_a_key_that_nothing_can_have_has_no_row(library: Library, key: Any) -> None:
    assert library.do(lambda rows: rows.get_many([key])) == {}
    assert library.statements == []


def test_many_keys_are_asked_for_by_the_thousand(library: Library) -> None:
    found = library.do(lambda rows: rows.get_many([(number,) for number in range(2500)]))
    assert set(found) == {(1,), (2,), (3,)}
    assert len(library.statements) == 3


def test_keys_of_several_columns(library: Library) -> None:
    def work(rows: Any) -> Any:
        for number in (1, 2):
            row = rows.new()
            rows.set_values(row, {"place": "a", "number": number})
            rows.insert(row)
            assert rows.key(row) == ("a", number)
        found = rows.get_many([("a", 2), ("b", 1)])
        return [rows.values(row) for row in found.values()]

    [values] = library.do(work, stock)
    assert (values["place"], values["number"], values["amount"]) == ("a", 2, 0)


def test_asked_again_the_database_is_read_again(library: Library) -> None:
    def work(rows: Any) -> Any:
        rows.get_many([(1,)])
        rows.session.connection().execute(text("UPDATE book SET pages = 55 WHERE id = 1"))
        return rows.get_many([(1,)])[1,].pages

    assert library.do(work) == 55


def test_nested_rows_take_one_statement_per_relation(library: Library) -> None:
    author = library.shape(Author, "id", "name")
    pieces = library.shape(Piece, "book_id", "number")
    shape = library.shape(Book, "id", author=author, pieces=pieces)
    library.statements.clear()

    def work(unit: Any) -> Any:
        rows = unit.rows(shape, Scope())
        found = rows.find(None, [Order("id")])
        count = len(library.statements)
        return count, [rows.values(row) for row in found], len(library.statements)

    before, values, after = library.store.run_here(work)
    assert (before, after) == (3, 3)
    ann, bob = {"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}
    assert values == [
        {"id": 1, "author": ann, "pieces": [{"book_id": 1, "number": 1}]},
        {"id": 2, "author": bob, "pieces": []},
        {"id": 3, "author": ann, "pieces": []},
    ]


def test_deferred_columns_of_the_shape_are_loaded_along(library: Library) -> None:
    def work(rows: Any) -> Any:
        values = rows.values(rows.get_many([(1,)])[1,])
        return values["notes"], values["loud"], len(library.statements)

    assert library.do(work) == ("deep", "one!", 1)


def test_rows_are_read_after_the_session_is_gone(library: Library) -> None:
    [row] = library.do(lambda rows: rows.find(to_condition({"id": 1})))
    assert (row.title, row.pages) == ("one", 100)


def test_rows_of_subclasses_are_rows(library: Library) -> None:
    def work(rows: Any) -> Any:
        row = rows.new()
        rows.set_values(row, {"trick": "sit"})
        rows.insert(row)
        rows.update(row, [], Version("version", 1, 2))
        return rows.values(rows.get_many([rows.key(row)])[rows.key(row)])

    assert library.do(work, Dog) == {"id": 1, "kind": "dog", "version": 2, "trick": "sit"}
    [values] = library.do(lambda rows: [rows.values(row) for row in rows.find()], Animal)
    assert values == {"id": 1, "kind": "dog", "version": 2}


def test_a_stored_row_travels_whatever_a_validator_says_of_it(library: Library) -> None:
    registry = TupleRegistry()
    tuples.install(registry)
    tuple_type("t.Book", fields=["id", "title"], registry=registry)(Book)
    row_tuple = make_row_tuple_type(library.shape(Book, "id", "title"), None, registry)
    codec = Codec(registry)
    sent = codec.encode_value(row_tuple.make({"id": 1, "title": "forbidden"}), Dialect.NATIVE)
    assert sent == {
        "_ct": "rt",
        "_c": "t.Book",
        "id": {"_ft": "int", "_fd": 1},
        "title": "forbidden",
    }
