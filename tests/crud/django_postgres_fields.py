"""Every field of ``django.contrib.postgres`` in a model, and what may be put into it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib.postgres.fields import (
    ArrayField,
    BigIntegerRangeField,
    DateRangeField,
    DateTimeRangeField,
    DecimalRangeField,
    HStoreField,
    IntegerRangeField,
)
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange, NumericRange
from hypothesis import strategies as st

from tests.crud.django_fields import CENTS, MOMENTS, WHOLE, plain_json, texts


class PostgresKinds(models.Model):
    """All fields that PostgreSQL alone has."""

    id = models.AutoField(primary_key=True)
    version = models.IntegerField(default=1)
    integers = ArrayField(models.IntegerField(), null=True)
    strings = ArrayField(models.CharField(max_length=10), null=True)
    prices = ArrayField(models.DecimalField(max_digits=9, decimal_places=2), null=True)
    ratios = ArrayField(models.FloatField(), null=True)
    moments = ArrayField(models.DateTimeField(), null=True)
    days = ArrayField(models.DateField(), null=True)
    uuids = ArrayField(models.UUIDField(), null=True)
    blobs = ArrayField(models.BinaryField(), null=True)
    documents = ArrayField(models.JSONField(), null=True)
    matrix = ArrayField(ArrayField(models.IntegerField()), null=True)
    spans = ArrayField(IntegerRangeField(), null=True)
    store = HStoreField(null=True)
    whole_range = IntegerRangeField(null=True)
    big_range = BigIntegerRangeField(null=True)
    price_range = DecimalRangeField(null=True)
    moment_range = DateTimeRangeField(null=True)
    day_range = DateRangeField(null=True)
    collated = models.CharField(max_length=20, db_collation="C", null=True)
    words = SearchVectorField(null=True)

    class Meta:
        app_label = "fields_tests"


def ranges(cls: Callable[..., Any], ends: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return ranges, empty and endless ones too; some have their ends the wrong way round."""
    bounds = st.sampled_from(["[)", "(]", "()", "[]"])
    return st.builds(cls, st.none() | ends, st.none() | ends, bounds) | st.just(cls(empty=True))


def lists(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(st.none() | items, max_size=5)


MATRICES = st.lists(st.tuples(WHOLE, WHOLE).map(list), max_size=3)
DAYS = st.dates(max_value=dt.date(9999, 12, 30))

POSTGRES_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integers": lists(WHOLE),
    "strings": lists(texts(10)),
    "prices": lists(CENTS),
    "ratios": lists(st.floats()),
    "moments": lists(MOMENTS),
    "days": lists(st.dates()),
    "uuids": lists(st.uuids()),
    "blobs": lists(st.binary()),
    "documents": lists(plain_json()),
    "matrix": MATRICES,
    "spans": lists(ranges(NumericRange, st.integers(-(2**31), 2**31 - 2))),
    "store": st.dictionaries(
        texts() | st.sampled_from(["", "1", "01", "true", "_ct"]), st.none() | texts()
    ),
    "whole_range": ranges(NumericRange, st.integers(-(2**31), 2**31 - 2)),
    "big_range": ranges(NumericRange, st.integers(-(2**63), 2**63 - 2)),
    "price_range": ranges(NumericRange, CENTS),
    "moment_range": ranges(DateTimeTZRange, MOMENTS),
    "day_range": ranges(DateRange, DAYS),
    "collated": texts(20),
}
"""By field: what may be put in. What text search computes nobody puts in."""
