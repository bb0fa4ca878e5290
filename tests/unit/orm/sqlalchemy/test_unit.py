"""Rows are written as their classes say, with what was given and nothing else."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.store import Draft, RefusedByDatabase, RowErrors, StaleRow, Version
from tests.unit.orm.library import Library, open_library
from tests.unit.orm.shelves import (
    Author,
    Book,
    Counted,
    Strict,
)

JANUARY = datetime.datetime(2024, 1, 1)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path) as library:
        yield library


def test_a_new_row_has_its_defaults_to_be_seen(library: Library) -> None:
    values = library.do(lambda rows: rows.values(rows.new()))
    assert (values["pages"], values["state"], values["version"]) == (100, "new", 1)
    assert (values["id"], values["stars"], values["made"]) == (None, None, None)
    assert library.statements == []


def test_a_class_with_a_demanding_constructor_gets_its_defaults(library: Library) -> None:
    def work(rows: Any) -> Any:
        row = rows.new()
        rows.set_values(row, {"needed": "x"})
        rows.insert(row)
        return rows.values(rows.get_many([rows.key(row)])[rows.key(row)])

    assert library.do(work, Strict) == {"id": 1, "needed": "x", "plain": "plain", "made": "made"}


def test_what_is_not_given_has_the_default_of_class_or_database(library: Library) -> None:
    def work(rows: Any) -> Any:
        row = rows.new()
        rows.set_values(row, {"title": "new", "author_id": 1})
        rows.insert(row)
        return rows.values(rows.get_many([rows.key(row)])[rows.key(row)])

    values = library.do(work)
    assert (values["pages"], values["double"], values["state"]) == (100, 200, "new")
    assert (values["stars"], values["made"], values["extra"]) == (3, JANUARY, None)


def test_none_in_place_of_a_plain_default_is_null(library: Library) -> None:
    def work(rows: Any) -> Any:
        row = rows.new()
        rows.set_values(row, {"title": "new", "author_id": 1, "pages": None, "stars": None})
        rows.insert(row)
        assert row.pages is None
        return rows.key(row)

    [key] = library.do(work)
    assert library.query(f"SELECT pages, stars FROM book WHERE id = {key}") == [(None, 3)]


def test_an_update_writes_what_was_changed_and_nothing_else(library: Library) -> None:
    def work(rows: Any) -> None:
        row = rows.get_many([(1,)])[1,]
        rows.set_values(row, {"title": "changed"})
        rows.update(row, ["title"])

    library.do(work)
    [update] = [one for one in library.statements if one.startswith("UPDATE")]
    assert update == "UPDATE book SET title=?, made=? WHERE book.id = ?"


def test_each_row_is_written_once_and_by_its_own_update(library: Library) -> None:
    written = text("SELECT count(*) FROM book WHERE pages = id * 10")

    def work(rows: Any) -> list[int]:
        found = rows.get_many([(1,), (2,), (3,)])
        for (key,), row in found.items():
            rows.set_values(row, {"pages": key * 10})
        counts = []
        for row in found.values():
            assert row.pages == row.id * 10
            rows.update(row, ["pages"])
            counts.append(rows.session.scalar(written))
        return counts

    assert library.do(work) == [1, 2, 3]
    assert len([one for one in library.statements if one.startswith("UPDATE")]) == 3


def test_what_only_its_type_tells_apart_is_written(library: Library) -> None:
    def work(rows: Any, value: Any) -> None:
        row = rows.get_many([(1,)])[1,]
        rows.set_values(row, {"extra": value})
        rows.update(row, ["extra"])

    library.do(lambda rows: work(rows, {"a": 1}))
    library.do(lambda rows: work(rows, {"a": True}))
    assert library.query("SELECT extra FROM book WHERE id = 1") == [('{"a": true}',)]


def test_a_value_that_a_row_has_already_is_not_checked_anew(library: Library) -> None:
    library_title = "longer than twenty characters"
    with library.engine.begin() as link:
        link.execute(Book.__table__.update().values(title=library_title))  # type: ignore[attr-defined]

    def work(rows: Any) -> None:
        row = rows.get_many([(1,)])[1,]
        rows.set_values(row, {"title": library_title})
        rows.update(row, ["title"])

    library.do(work)


def test_all_that_columns_and_validators_refuse_is_told_by_field(library: Library) -> None:
    def work(rows: Any) -> None:
        row = rows.get_many([(1,)])[1,]
        rows.set_values(row, {"title": "forbidden", "pages": 2**40, "state": None, "name": "x"})

    with pytest.raises(RowErrors) as refused:
        library.do(work)
    assert refused.value.errors == {
        "title": ["This title is forbidden"],
        "pages": ["Expected a whole number from -2147483648 to 2147483647"],
        "state": ["A value is needed"],
    }


def test_missing_values_of_new_rows_are_told(library: Library) -> None:
    def work(rows: Any) -> Any:
        drafts = [Draft(rows.new(), True, frozenset()), Draft(rows.new(), True, frozenset())]
        drafts[1].row.author = Author(name="New")
        rows.validate(drafts)
        return [draft.errors for draft in drafts]

    needed = ["A value is needed"]
    assert library.do(work) == [{"title": needed, "author_id": needed}, {"title": needed}]


def test_a_field_that_is_no_field_is_the_programmers_mistake(library: Library) -> None:
    with pytest.raises(DefinitionError, match="Book has no field 'nonsense'"):
        library.do(lambda rows: rows.set_values(rows.new(), {"nonsense": 1}))


@pytest.mark.parametrize(
    ("model", "values", "text", "field"),
    [
        (Author, {"name": "Ann"}, "Another row has this already", "name"),
        (Author, {"name": "New", "id": 1}, "Another row has this already", "id"),
        (Book, {"title": "x", "author_id": 99}, "There is no such row", ""),
        (Book, {"title": "x"}, "A value is needed", "author_id"),
        (Book, {"title": "x", "author_id": 1, "pages": 20000}, "The database does not allow", ""),
    ],
)
def test_a_refusal_says_which_field_and_nothing_of_the_database(
    library: Library, model: Any, values: dict[str, Any], text: str, field: str
) -> None:
    def work(rows: Any) -> None:
        row = rows.new()
        rows.set_values(row, values)
        rows.insert(row)

    with pytest.raises(RefusedByDatabase) as refused:
        library.do(work, model)
    assert refused.value.text.startswith(text)
    assert refused.value.field == field


def test_a_row_that_others_need_stays(library: Library) -> None:
    with pytest.raises(RefusedByDatabase, match="Other rows need it"):
        library.do(lambda rows: rows.delete(rows.get_many([(1,)])[1,]), Author)
    assert library.query("SELECT count(*) FROM author") == [(2,)]


def test_what_belongs_to_a_row_goes_with_it(library: Library) -> None:
    library.do(lambda rows: rows.delete(rows.get_many([(1,)])[1,]))
    assert library.query("SELECT count(*) FROM piece") == [(0,)]


@pytest.mark.parametrize("model", [Book, Counted])
@pytest.mark.parametrize("what", ["update", "delete"])
def test_the_second_of_two_is_stale(library: Library, model: Any, what: str) -> None:
    with Session(library.engine) as session, session.begin():
        session.add(Counted(id=1, name="a"))

    def work(rows: Any) -> None:
        row = rows.get_many([(1,)])[1,]
        rows.session.connection().execute(
            text(f"UPDATE {model.__tablename__} SET version = version + 1 WHERE id = 1")
        )
        if what == "delete":
            rows.delete(row, Version("version", 1, 1))
        else:
            name = "title" if model is Book else "name"
            rows.set_values(row, {name: "mine"})
            rows.update(row, [name], Version("version", 1, 2))

    with pytest.raises(StaleRow):
        library.do(work, model)
    assert library.query(f"SELECT version FROM {model.__tablename__} WHERE id = 1") == [(1,)]


@pytest.mark.parametrize("model", [Book, Counted])
def test_a_version_counts_on(library: Library, model: Any) -> None:
    with Session(library.engine) as session, session.begin():
        session.add(Counted(id=1, name="a"))

    def work(rows: Any) -> Any:
        name = "title" if model is Book else "name"
        row = rows.get_many([(1,)])[1,]
        rows.set_values(row, {name: "mine"})
        rows.update(row, [name], Version("version", 1, 2))
        return rows.read(rows.get_many([(1,)])[1,], ["version"])

    assert library.do(work, model) == {"version": 2}


def test_a_row_that_is_gone_is_stale(library: Library) -> None:
    def work(rows: Any) -> None:
        row = rows.get_many([(2,)])[2,]
        rows.session.connection().execute(text("DELETE FROM book WHERE id = 2"))
        rows.set_values(row, {"title": "mine"})
        rows.update(row, ["title"])

    with pytest.raises(StaleRow):
        library.do(work)
