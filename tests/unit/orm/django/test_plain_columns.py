"""Values are told apart only where the database tells them apart in the same way."""

from decimal import Decimal
from uuid import UUID

import pytest
from django.db import models
from django.db.models import F, Value
from django.test.utils import isolate_apps
from django.utils.translation import gettext_lazy

from django_vortex.live.comparing import UNKNOWN
from django_vortex.orm.django.plain_columns import find_plain, read_value, read_values


class Odd(models.IntegerField):
    """An application's own, which may store what it likes."""


@pytest.fixture
def fields():
    with isolate_apps("tests.live"):

        class Other(models.Model):
            code = models.CharField(max_length=5, unique=True)

            class Meta:
                app_label = "live_tests"

        class Plain(models.Model):
            number = models.PositiveSmallIntegerField()
            flag = models.BooleanField(null=True)
            uuid = models.UUIDField()
            text = models.CharField(max_length=5)
            slug = models.SlugField()
            folded = models.CharField(max_length=5, db_collation="NOCASE")
            price = models.DecimalField(max_digits=5, decimal_places=2)
            moment = models.DateTimeField()
            odd = Odd()
            other = models.ForeignKey(Other, on_delete=models.CASCADE)
            by_code = models.ForeignKey(
                Other, on_delete=models.CASCADE, to_field="code", related_name="+"
            )

            class Meta:
                app_label = "live_tests"

        class Legacy(models.Model):
            text = models.CharField(max_length=5)
            number = models.IntegerField()

            class Meta:
                app_label = "live_tests"
                managed = False

        yield {
            **{one.name: one for one in Plain._meta.concrete_fields},
            **{f"legacy_{one.name}": one for one in Legacy._meta.concrete_fields},
        }


def find_names(fields, vendor):
    return {name for name, one in fields.items() if find_plain(one, vendor) is not None}


EVERYWHERE = {"id", "number", "flag", "uuid", "other", "legacy_id", "legacy_number"}


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
def test_texts_count_where_they_are_compared_exactly(fields, vendor):
    assert find_names(fields, vendor) == EVERYWHERE | {"text", "slug", "by_code"}


@pytest.mark.parametrize("vendor", ["mysql", "oracle"])
def test_texts_count_nowhere_else(fields, vendor):
    assert find_names(fields, vendor) == EVERYWHERE


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        ("number", 7, 7),
        ("number", "7", 7),
        ("number", 7.9, 7),
        ("number", True, 1),
        ("number", Decimal(7), 7),
        ("number", None, None),
        ("number", "seven", UNKNOWN),
        ("number", F("id"), UNKNOWN),
        ("number", Value(7), UNKNOWN),
        ("number", UNKNOWN, UNKNOWN),
        ("flag", 1, True),
        ("flag", "False", False),
        ("flag", 7, UNKNOWN),
        ("uuid", "01234567" * 4, UUID("01234567" * 4)),
        ("uuid", 7, UUID(int=7)),
        ("text", 7, "7"),
        ("text", gettext_lazy("x"), "x"),
        ("text", models.TextChoices("State", {"A": ("a", "A")})("a"), "a"),
    ],
)
def test_values_are_as_they_are_stored(fields, name, given, read):
    found = read_value(find_plain(fields[name], "sqlite"), given)
    assert found is UNKNOWN if read is UNKNOWN else (type(found), found) == (type(read), read)


def test_many_values_are_read_as_each(fields):
    number = find_plain(fields["number"], "sqlite")
    assert read_values(number, [1, 2]) == [1, 2]
    assert read_values(number, ["1", None, 2]) == [1, None, 2]
    assert read_values(number, ["x", 2]) == [UNKNOWN, 2]
    assert read_values(number, []) == []
