"""Django models over columns that few tables have: what was read of them finds its row as well."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import connections, models
from django.db.models.functions import Now

from django_vortex.orm.crud.listing import MAX_OPERANDS
from tests.crud.databases import Database
from tests.crud.field_fixtures import *  # noqa: F403
from tests.crud.filtering_shelf import FilteringShelf


class RealField(models.FloatField):
    """A float of four bytes."""

    def db_type(self, connection: Any) -> str:
        return "real"


class Price(models.Model):
    id = models.DecimalField(max_digits=40, decimal_places=20, primary_key=True)

    class Meta:
        app_label = "fields_tests"


class Rare(models.Model):
    made = models.DateTimeField(db_default=Now())
    real = RealField(null=True)
    filled = models.CharField(max_length=5, null=True)
    price = models.ForeignKey(Price, null=True, on_delete=models.CASCADE, db_constraint=False)
    length = models.GeneratedField(
        expression=models.F("real") / 3, output_field=RealField(), db_persist=True
    )

    class Meta:
        app_label = "fields_tests"


class RareArrays(models.Model):
    reals = ArrayField(RealField(), null=True)
    spans = ArrayField(models.DurationField(), null=True)

    class Meta:
        app_label = "fields_tests"


NAMES = ["made", "real", "filled", "price_id", "length"]


def make(alias: str) -> str:
    with connections[alias].schema_editor() as editor:
        editor.create_model(Price)
        editor.create_model(Rare)
    rows = Rare.objects.using(alias)
    third = "0.33333333333333333333"
    for number in (0.1, 1 / 3, 16777217.0):
        rows.create(real=number, filled="a", price_id=third)
    with connections[alias].cursor() as cursor:
        cursor.execute("INSERT INTO fields_tests_rare (real, price_id) VALUES (NULL, 0.123456789)")
    return alias


@pytest.fixture(scope="module")
def sqlite_alias(tmp_path_factory: Any, django_db_blocker: Any) -> Iterator[str]:
    database = Database(str(tmp_path_factory.mktemp("rare") / "db.sqlite3"))
    with django_db_blocker.unblock(), database.in_django():
        yield make(database.alias)


@pytest.fixture(scope="module")
def postgres_alias(fields_alias: str) -> str:
    make(fields_alias)
    with connections[fields_alias].schema_editor() as editor:
        editor.execute("ALTER TABLE fields_tests_rare ALTER COLUMN filled TYPE CHAR(5)")
        editor.create_model(RareArrays)
    RareArrays.objects.using(fields_alias).create(reals=[0.1, None])
    with connections[fields_alias].cursor() as cursor:
        cursor.execute("INSERT INTO fields_tests_rarearrays (spans) VALUES ('{1 day,2 hours}')")
    return fields_alias


@pytest.mark.parametrize("name", NAMES)
def test_fields_of_sqlite(sqlite_alias: str, name: str) -> None:
    assert FilteringShelf(Rare, [name], using=sqlite_alias).check(name)


@pytest.mark.parametrize("name", NAMES)
def test_fields_of_postgresql(postgres_alias: str, name: str) -> None:
    assert FilteringShelf(Rare, [name], using=postgres_alias).check(name)


@pytest.mark.parametrize("name", ["reals", "spans"])
def test_arrays(postgres_alias: str, name: str) -> None:
    FilteringShelf(RareArrays, [name], using=postgres_alias).check(name)


@pytest.mark.parametrize("alias", ["sqlite_alias", "postgres_alias"])
@pytest.mark.parametrize("name", ["made", "real", "price_id"])
def test_as_many_values_as_allowed(alias: str, name: str, request: pytest.FixtureRequest) -> None:
    shelf = FilteringShelf(Rare, [name], using=request.getfixturevalue(alias))
    shelf.check_many(name, MAX_OPERANDS)
