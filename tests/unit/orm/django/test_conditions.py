"""Conditions, orders and scopes mean on the Django ORM what they say."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Now
from django.db.models.lookups import GreaterThan
from django.test.utils import CaptureQueriesContext

from django_vortex.orm.conditions import (
    NOTHING,
    Comparison,
    Native,
    Not,
    all_of,
    any_of,
    to_condition,
)
from django_vortex.orm.django.conditions import filter_rows, to_ordering
from django_vortex.orm.store import Order, RefusedByDatabase
from tests.unit.orm.models import Author, Ticket

LONG_AGO = dt.datetime(2000, 1, 1)
ONE = Comparison("slug", "exact", "a")
TWO = Comparison("points", "exact", 5)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rows() -> None:
    ann, bob = Author.objects.create(name="Ann"), Author.objects.create(name="Bob")
    Ticket.objects.create(title="one", points=100, author=ann, slug="a")
    Ticket.objects.create(title="two", points=5, author=bob)
    Ticket.objects.create(title="Three", points=7, author=ann, slug="c")


def titles(where: Any, *, of: Any = None) -> list[str]:
    found = filter_rows(Ticket.objects.all() if of is None else of, to_condition(where))
    return [row.title for row in found.order_by("id")]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, ["one", "two", "Three"]),
        ({"slug": None}, ["two"]),
        ({"slug__isnull": False}, ["one", "Three"]),
        ({"points__lt": 7}, ["two"]),
        ({"points__lte": 7, "id__gt": 0}, ["two", "Three"]),
        ({"points__gte": 100}, ["one"]),
        ({"points__range": [6, 99]}, ["Three"]),
        ({"points__in": [5, 7]}, ["two", "Three"]),
        ({"points__in": []}, []),
        ({"points": 2**80}, []),
        ({"points__lt": 2**80}, ["one", "two", "Three"]),
        ({"title__contains": "o"}, ["one", "two"]),
        ({"title__icontains": "T"}, ["two", "Three"]),
        ({"title__istartswith": "T"}, ["two", "Three"]),
        ({"title__iendswith": "E"}, ["one", "Three"]),
        ({"title__iexact": "ONE"}, ["one"]),
        ({"title__icontains": "%"}, []),
        ({"title__contains": "x' OR 1=1 --"}, []),
        ({"author__name": "Bob"}, ["two"]),
        (Not(Comparison("points", "gt", 50)), ["two", "Three"]),
        (Not(Comparison("slug", "exact", "a")), ["two", "Three"]),
        (Native(Q(points=5)), ["two"]),
        (Native(GreaterThan(F("points"), 6)), ["one", "Three"]),
        (NOTHING, []),
        (
            any_of([Comparison("points", "exact", 5), Comparison("slug", "exact", "a")]),
            ["one", "two"],
        ),
        (any_of([]), []),
        (all_of([Comparison("points", "exact", 5), Comparison("slug", "exact", "a")]), []),
    ],
)
def test_conditions_mean_what_they_say(where: Any, expected: list[str]) -> None:
    assert titles(where) == expected


def test_a_row_comes_once_however_many_related_rows_fit() -> None:
    group, _ = Group.objects.create(name="a"), Group.objects.create(name="b")
    group.permissions.set(Permission.objects.all()[:3])
    found = filter_rows(Group.objects.all(), to_condition({"permissions__id__gt": 0}))
    assert [group.name for group in found] == ["a"]


def test_a_condition_on_related_rows_takes_one_statement() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert titles({"author__name": "Ann"}) == ["one", "Three"]
    assert len(queries) == 1


def test_a_condition_narrows_what_was_narrowed() -> None:
    some = Ticket.objects.filter(points__gt=5)
    assert titles({"author__name": "Ann", "slug": "c"}, of=some) == ["Three"]
    assert titles({"points": 5}, of=some) == []


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order("points"), ["two", "Three", "one"]),
        (Order("points", is_descending=True), ["one", "Three", "two"]),
        (Order("slug", is_nullable=True), ["one", "Three", "two"]),
        (Order("slug", is_descending=True, is_nullable=True), ["two", "Three", "one"]),
    ],
)
def test_null_is_greater_than_every_value(order: Order, expected: list[str]) -> None:
    found = Ticket.objects.order_by(*to_ordering([order]))
    assert [row.title for row in found] == expected


@pytest.mark.parametrize("with_zones", [True, False])
@pytest.mark.parametrize(
    "moment", [dt.datetime(2000, 1, 1), dt.datetime(2000, 1, 1, tzinfo=dt.UTC)]
)
def test_moments_are_compared_as_the_project_has_them(
    settings: Any, moment: dt.datetime, with_zones: bool
) -> None:
    settings.USE_TZ = with_zones
    end = moment.replace(year=2100)
    for where in ({"changed__gt": moment}, {"changed__range": [moment, end]}, {"changed__lt": end}):
        assert titles(where) == ["one", "two", "Three"]
    assert titles({"changed__in": [moment]}) == titles({"changed": moment}) == []


def test_a_moment_beyond_the_calendar_is_refused(settings: Any) -> None:
    settings.USE_TZ = False
    beyond = dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=5)))
    with pytest.raises(RefusedByDatabase, match="beyond the calendar"):
        titles({"changed": beyond})


@pytest.mark.parametrize("value", [Now(), [Now()], "2000-01-01 00:00Z"])
def test_what_an_application_compares_with_is_left_alone(value: Any) -> None:
    assert titles({"changed__in" if isinstance(value, list) else "changed": value}) == []


def test_a_queryset_of_the_application_is_not_evaluated() -> None:
    moments = Ticket.objects.filter(title="two").values("changed")
    with CaptureQueriesContext(connection) as queries:
        assert titles({"changed__in": moments}) == ["two"]
    assert len(queries) == 1
