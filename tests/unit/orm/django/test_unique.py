"""Whose values are taken is asked once for all rows."""

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_vortex.orm.django.unique import Uniqueness, asking, find_taken, find_uniqueness
from tests.unit.orm.models import Entry, Loose, Novelist, Ticket

pytestmark = pytest.mark.django_db

SLUG = Uniqueness(Entry, ("slug",))
PLACE = Uniqueness(Entry, ("row", "number"))
YEAR = Uniqueness(Entry, ("day",), "made", "year")
DAY = dt.date(2024, 5, 6)


def entry(**values: Any) -> Entry:
    """Insert an entry with a title of its own."""
    return Entry.objects.create(**{"title": f"t{Entry.objects.count()}", **values})


def taken(unique: Uniqueness, *rows: Any) -> list[int]:
    """Return the positions of the rows whose values others have."""
    found = find_taken(unique, rows, "default")
    return [index for index, row in enumerate(rows) if row in found]


def test_all_that_is_unique_is_known() -> None:
    found = {(unique.names, unique.part) for unique in find_uniqueness(Entry)}
    assert found == {
        (("slug",), ""),
        (("row", "number"), ""),
        (("day",), "year"),
        (("kind",), ""),
        (("secret", "title"), ""),
    }


def test_what_parents_have_unique_is_known() -> None:
    assert [unique.owner for unique in find_uniqueness(Ticket)] == [Ticket, Ticket]
    assert find_uniqueness(Novelist) == ()


def test_values_of_stored_rows_are_taken() -> None:
    entry(slug="a")
    assert taken(SLUG, Entry(slug="a"), Entry(slug="b"), Entry(slug="A")) == [0]


def test_values_of_rows_before_are_taken() -> None:
    assert taken(SLUG, Entry(slug="a"), Entry(slug="b"), Entry(slug="a")) == [2]


def test_a_row_does_not_take_its_own_values() -> None:
    one, other = entry(slug="a"), entry(slug="b")
    other.slug = "a"
    assert taken(SLUG, one) == []
    assert taken(SLUG, other) == [0]


def test_null_is_never_taken() -> None:
    entry()
    entry(row=1)
    assert taken(SLUG, Entry(), Entry()) == []
    assert taken(PLACE, Entry(row=1), Entry(row=1)) == []


def test_fields_are_taken_together() -> None:
    entry(row=1, number=2)
    assert taken(PLACE, Entry(row=1, number=2), Entry(row=1, number=1)) == [0]
    assert taken(PLACE, Entry(row=2, number=2), Entry(row=2, number=2)) == [1]


@pytest.mark.parametrize(
    ("part", "same", "other"),
    [
        ("date", DAY, DAY.replace(day=7)),
        ("month", DAY.replace(year=2025), DAY.replace(month=6)),
        ("year", DAY.replace(month=1), DAY.replace(year=2025)),
    ],
)
def test_a_value_is_taken_for_a_time(part: str, same: dt.date, other: dt.date) -> None:
    entry(slug="a", made=DAY)
    unique = Uniqueness(Entry, ("slug",), "made", part)
    rows = [Entry(slug="a", made=made) for made in (same, other, None)]
    assert taken(unique, *rows) == [0]


def test_one_statement_asks_for_many_rows() -> None:
    entry(slug="x", row=5, number=5)
    rows = [Entry(slug=f"s{n}", row=n, number=9) for n in range(50)]
    for unique in (SLUG, PLACE):
        with CaptureQueriesContext(connection) as queries:
            assert find_taken(unique, rows, "default") == []
        assert len(queries) == 1


def test_no_statement_asks_for_nothing() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert find_taken(SLUG, [Entry()], "default") == []
    assert not queries.captured_queries


def test_many_more_rows_than_one_statement_takes() -> None:
    entry(slug="s1234")
    rows = [Entry(slug=f"s{n}", row=n, number=n) for n in range(1300)]
    assert taken(SLUG, *rows) == [1234]
    assert taken(PLACE, *rows, Entry(row=7, number=7)) == [1300]


@pytest.mark.parametrize(
    ("names", "place", "text"),
    [
        (("slug",), "slug", "Entry with this Slug already exists."),
        (("row", "number"), "__all__", "Entry with this Row and Number already exists."),
        (("day",), "day", "Day must be unique for Made year."),
        (("kind",), "kind", "One of each kind"),
        (("secret", "title"), "__all__", "Entry with this Secret and Title already exists."),
    ],
)
def test_the_words_are_those_of_django(names: tuple[str, ...], place: str, text: str) -> None:
    [unique] = [one for one in find_uniqueness(Entry) if one.names == names]
    assert unique.place == place
    assert unique.error(Entry()).messages == [text]


def test_a_method_of_the_model_asks_where_the_row_is() -> None:
    Loose.objects.create(name="a")
    row = Loose(name="a")
    with asking(row, "default"), pytest.raises(ValidationError) as error:
        row.validate_unique()
    assert error.value.message_dict == {"name": ["Loose with this Name already exists."]}
    with asking(row, "elsewhere"), pytest.raises(Exception, match="elsewhere"):
        row.validate_unique()
    with pytest.raises(ValidationError):
        row.validate_unique()


def test_a_method_of_the_model_asks_for_a_time_and_not_for_keys() -> None:
    known = entry(day=DAY, made=DAY)
    row = Entry(id=known.id, title="x", day=DAY, made=DAY.replace(month=1))
    with asking(row, "default"), pytest.raises(ValidationError) as error:
        row.validate_unique()
    assert list(error.value.message_dict) == ["day"]
