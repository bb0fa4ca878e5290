"""What a store knows of mapped classes and of tables."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.model_spec import Shape
from django_vortex.orm.sqlalchemy.store import SqlAlchemyStore
from django_vortex.orm.store import Scope
from tests.unit.orm.library import Library, open_library, run_in_thread
from tests.unit.orm.shelves import (
    Author,
    Book,
    Secret,
    no_key,
    stock,
)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path) as library:
        yield library


def test_the_fields_of_a_class_are_its_columns(library: Library) -> None:
    spec = library.store.describe(Book)
    assert spec.label == "shelves.Book"
    assert spec.key_names == ("id",)
    assert {name for name, field in spec.fields.items() if field.is_required} == {
        "title",
        "author_id",
    }
    assert {n for n, field in spec.fields.items() if field.is_read_only} == {"double", "loud"}
    assert {n for n, field in spec.fields.items() if field.has_varying_default} == {
        "made",
        "stars",
        "double",
    }
    assert {name for name, field in spec.fields.items() if not field.is_nullable} >= {"title"}
    assert {name: relation.is_many for name, relation in spec.relations.items()} == {
        "author": False,
        "pieces": True,
    }
    assert spec.relations["author"].model is Author


def test_a_type_of_the_application_has_the_type_of_its_annotation(library: Library) -> None:
    assert library.store.describe(Book).fields["name"].type == str | None


def test_a_table_is_a_model(library: Library) -> None:
    spec = library.store.describe(stock)
    assert (spec.label, spec.key_names) == ("table.stock", ("place", "number"))
    assert spec.fields["place"].is_required
    assert not spec.fields["amount"].is_required


def test_two_stores_share_the_class_of_a_table(library: Library) -> None:
    other = SqlAlchemyStore(library.factory, run_in_thread)
    here = library.do(lambda rows: type(rows.new()), stock)
    shape = Shape(other.describe(stock), ("place", "number"))
    assert other.run_here(lambda unit: type(unit.rows(shape, Scope()).new())) is here


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (no_key, "'no_key' has no primary key"),
        (Secret, "Secret._id begins with '_'"),
        (Library, "Expected a SQLAlchemy class or table"),
    ],
)
def test_what_cannot_be_served_is_refused(library: Library, model: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        library.store.describe(model)
