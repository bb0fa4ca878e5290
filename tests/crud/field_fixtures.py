"""Shelves over each database, for the modules that test fields."""

import uuid
from collections.abc import Iterator
from itertools import count
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import override_settings

from tests.crud.databases import Database
from tests.crud.django_fields import MODELS, Kinds, Owner, Partner, Tag
from tests.crud.django_postgres_fields import PostgresKinds
from tests.crud.django_shelf import Shelf
from tests.settings import INSTALLED_APPS
from tests.support.postgres import USER, PostgresServer

__all__ = ["arrays_shelf", "fields_alias", "installed", "postgres_shelf", "shelf", "sqlite_shelf"]

_numbers = count(1)

PARTNER = uuid.UUID(int=1)
"""The one there is."""


@pytest.fixture(scope="module", autouse=True)
def installed() -> Iterator[None]:
    apps = ["django.contrib.postgres", "tests.crud.django_fields.FieldsConfig"]
    with override_settings(INSTALLED_APPS=[*INSTALLED_APPS, *apps]):
        yield


@pytest.fixture(scope="module")
def sqlite_shelf(tmp_path_factory: Any, django_db_blocker: Any) -> Iterator[Shelf]:
    database = Database(str(tmp_path_factory.mktemp("fields") / "fields.sqlite3"))
    with django_db_blocker.unblock(), database.in_django():
        make_tables(database.alias, MODELS)
        yield Shelf(Kinds, database.alias)


@pytest.fixture(scope="module")
def fields_alias(postgres: PostgresServer, django_db_blocker: Any) -> Iterator[str]:
    name = f"fields_{next(_numbers)}"
    postgres.create_database(name)
    database = Database(name, postgres.host)
    with psycopg.connect(host=postgres.host, user=USER, dbname=name) as link:
        link.execute("CREATE EXTENSION hstore")
    with django_db_blocker.unblock(), database.in_django():
        make_tables(database.alias, [*MODELS, PostgresKinds])
        yield database.alias


@pytest.fixture(scope="module")
def postgres_shelf(fields_alias: str) -> Shelf:
    return Shelf(Kinds, fields_alias)


@pytest.fixture(scope="module")
def arrays_shelf(fields_alias: str) -> Shelf:
    return Shelf(PostgresKinds, fields_alias)


@pytest.fixture(params=["sqlite", "postgres"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    found: Shelf = request.getfixturevalue(f"{request.param}_shelf")
    return found


def make_tables(alias: str, models: list[Any]) -> None:
    with connections[alias].schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    for key in (1, 2, 3):
        Owner.objects.using(alias).create(id=key)
    Partner.objects.using(alias).create(id=PARTNER)
    for code in ("a", "b", "c"):
        Tag.objects.using(alias).create(code=code)
