"""Rows of Django with values at the edge of each field, for the modules that test lists."""

import datetime as dt
import decimal
import math
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connections, models, transaction
from hypothesis import strategies as st

from tests.crud.databases import Database
from tests.crud.django_fields import VALUES
from tests.crud.django_postgres_fields import POSTGRES_VALUES
from tests.crud.django_shelf import Shelf

__all__ = ["odd_postgres", "odd_sqlite"]

MOMENT = dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC)

EDGES: dict[str, list[Any]] = {
    "float": [0.1, math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, 1e23, 1 / 3],
    "digits": [decimal.Decimal(f"{number}.{'1' * 20}") for number in (10**18, 10**18 + 1, 0, -1)],
    "decimal": [decimal.Decimal("0.10"), decimal.Decimal("0.1"), decimal.Decimal("-0.00")],
    "big": [2**53, 2**53 + 1, -(2**63)],
    "char": ["", "a", "A", "ä", "a ", "'", "\\", "%"],
    "text": ["", "a", "A", "Ä", "\n", "😀"],
    "moment": [MOMENT, MOMENT + dt.timedelta(microseconds=1), MOMENT + dt.timedelta(seconds=1)],
    "duration": [dt.timedelta(days=30), dt.timedelta(microseconds=-1), dt.timedelta(0)],
    "address": ["10.0.0.1", "9.0.0.1", "::1", "2001:db8::1"],
    "binary": [b"", b"\0", b"\xff"],
}
"""What is in each table beside what hypothesis thinks of."""

FILLED = {"length": "char", "changed": "char"}
"""What decides the value of a field that cannot be set."""

UNORDERED = {"json", "rich_json"}
NAMES = sorted((VALUES.keys() - UNORDERED) | {"length", "changed", "file"})
POSTGRES_NAMES = sorted((POSTGRES_VALUES.keys() - {"store", "documents"}) | {"words"})


FILES = st.text("abAÄ .%#?+&\"'", max_size=8).map("f{}".format)
"""Names of files; a storage gives no other address to one with a backslash or a slash in front."""


def drawn(name: str, values: Any) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.none() | values.get(FILLED.get(name, name), FILES), max_size=5)


def fill(shelf: Shelf, name: str, values: Sequence[Any]) -> int:
    """Store a row for each value that the database takes, and give how many there are."""
    shelf.rows.all().delete()
    count = 0
    for value in values:
        try:
            with transaction.atomic(shelf.alias):
                shelf.rows.create(id=count + 1, **{name: value})
        except (DatabaseError, OverflowError, ValueError, ArithmeticError, ValidationError):
            continue
        count += 1
    return count


class Odd(models.Model):
    """What somebody else has declared otherwise."""

    real = models.FloatField()
    word = models.TextField()
    mood = models.CharField(max_length=9)
    span = models.DurationField()
    clock = models.TimeField()
    moment = models.DateTimeField()
    number = models.DecimalField(max_digits=9, decimal_places=2)
    day = models.DateField()
    any = models.TextField()

    class Meta:
        app_label = "fields_tests"
        db_table = "odd"
        managed = False


ODD_POSTGRES = {
    "real": ("REAL", ["0.1", "0.2", "'NaN'", "'Infinity'", "16777217", "0.1", "3.3333333"]),
    "word": ("CITEXT", ["'a'", "'A'", "'b'", "'B'", "''", "'a'"]),
    "mood": ("odd_mood", ["'zz'", "'aa'", "'mm'", "'zz'"]),
    "span": ("INTERVAL", ["'1 mon'", "'30 days'", "'29 days'", "'1 year -1 hour'"]),
    "clock": ("TIMETZ", ["'01:00+02'", "'00:00+01'", "'23:00-01'"]),
    "moment": ("TIMESTAMP", ["'2024-01-01 00:00:00.000001'", "'2024-01-01'", "'2024-01-02'"]),
    "number": ("REAL", ["0.1", "0.3", "16777216", "0.1"]),
    "day": ("TIMESTAMPTZ", ["'2024-01-01 10:00'", "'2024-01-01 11:00'", "'2024-01-01 09:00'"]),
    "any": ("CHAR(3)", ["'a'", "'a '", "'A'", "'Ä'", "'b'"]),
}
ODD_SQLITE = {
    "real": ("DECIMAL", ["0.1", "1", "9007199254740993", "0.30000000000000004", "1e300"]),
    "word": ("TEXT COLLATE NOCASE", ["'a'", "'A'", "'b'", "'B'", "''", "'a'"]),
    "mood": ("VARCHAR(9) COLLATE RTRIM", ["'a'", "'a '", "'b'"]),
    "span": ("BIGINT", ["1", "1.5", "2", "-3"]),
    "clock": ("TIME", ["'01:00:00'", "'01:00'", "'01:00:00.000000'"]),
    "moment": ("DATETIME", ["'2024-01-01T00:00:00'", "'2024-01-01 00:00:00'", "'2024-01-02'"]),
    "number": ("DECIMAL", ["9999999.991", "9999999.99", "0.1", "'0.10'", "0.101"]),
    "day": ("DATE", ["'2024-01-01'", "'2024-01-02'"]),
    "any": ("", ["1", "1.5", "'1'", "x'00'", "'a'", "''", "x'61'", "2"]),
}


def make_odd_table(alias: str, columns: dict[str, tuple[str, list[str]]]) -> None:
    """Make a table in which there is a row for each value, and one without any."""
    with connections[alias].cursor() as cursor:
        declared = ", ".join(f'"{name}" {kind}' for name, (kind, _) in columns.items())
        key = "SERIAL" if connections[alias].vendor == "postgresql" else "INTEGER"
        cursor.execute(f"CREATE TABLE odd (id {key} PRIMARY KEY, {declared})")
        for index in range(10):
            values = [given[index : index + 1] or ["NULL"] for _, given in columns.values()]
            cursor.execute(
                f"INSERT INTO odd VALUES ({index + 1}, {', '.join(v[0] for v in values)})"
            )


@pytest.fixture(scope="module")
def odd_sqlite(tmp_path_factory: Any, django_db_blocker: Any) -> Iterator[str]:
    database = Database(str(tmp_path_factory.mktemp("odd") / "odd.sqlite3"))
    with django_db_blocker.unblock(), database.in_django():
        make_odd_table(database.alias, ODD_SQLITE)
        yield database.alias


@pytest.fixture(scope="module")
def odd_postgres(fields_alias: str) -> str:
    with connections[fields_alias].cursor() as cursor:
        cursor.execute("CREATE EXTENSION citext")
        cursor.execute("CREATE TYPE odd_mood AS ENUM ('zz', 'mm', 'aa')")
    make_odd_table(fields_alias, ODD_POSTGRES)
    return fields_alias
