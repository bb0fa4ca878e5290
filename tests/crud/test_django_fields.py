"""Whatever a database accepts in a Django field goes out, comes back and is stored equal."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connections
from django.db.backends.postgresql.psycopg_any import Range
from django.test import override_settings
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from django_vortex.wire.dialects import Dialect
from tests.crud.databases import Database
from tests.crud.django_fields import MODELS, VALUES, Kinds, Owner
from tests.crud.django_postgres_fields import POSTGRES_VALUES, PostgresKinds
from tests.crud.django_shelf import Shelf, Talk, are_equal
from tests.settings import INSTALLED_APPS
from tests.support.postgres import PostgresServer

EXAMPLES = settings(max_examples=5, phases=[Phase.generate])
INEXACT_IN_D2 = {"digits", "duration", "price_range"}
"""What released clients get as a float."""


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
    postgres.create_database("fields")
    database = Database("fields", postgres.host)
    database.execute("CREATE EXTENSION hstore")
    with django_db_blocker.unblock(), database.in_django():
        make_tables(database.alias, [*MODELS, PostgresKinds])
        yield database.alias


@pytest.fixture(scope="module")
def postgres_shelf(fields_alias: str) -> Shelf:
    return Shelf(Kinds, fields_alias)


@pytest.fixture(scope="module")
def arrays_shelf(fields_alias: str) -> Shelf:
    return Shelf(PostgresKinds, fields_alias)


def make_tables(alias: str, models: list[Any]) -> None:
    with connections[alias].schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    Owner.objects.using(alias).create(id=1)


def travelling(value: Any) -> Any:
    """Give what stands for a value on the wire."""
    if isinstance(value, list):
        return [travelling(one) for one in value]
    if isinstance(value, Range):
        if value.isempty:
            return {"empty": True}
        return {"lower": value.lower, "upper": value.upper, "bounds": value.bounds}
    return value


def check_field(shelf: Shelf, name: str, value: Any) -> None:
    """Send a value of row 1 out, and save what came back in row 1 and in row 2."""
    try:
        shelf.put(**{name: value})
        before = shelf.stored(1, name)
    except (DatabaseError, OverflowError, ValueError, ArithmeticError, ValidationError):
        assume(False)

    with shelf.connected() as peer:
        came = send_back(shelf, peer, name)
        assert are_equal(getattr(came, name), travelling(before))
        result = give_to_other(peer, name, came)
        if result is True:
            assert are_equal(shelf.stored(2, name), before)
        else:  # What the application stored past its own validation a peer may not.
            assert {error["field"] for error in result["errors"]} == {name}
    with shelf.connected(Dialect.D2) as peer:
        came = send_back(shelf, peer, name)
        if give_to_other(peer, name, came) is True and name not in INEXACT_IN_D2:
            assert are_equal(shelf.stored(2, name), before)


def send_back(shelf: Shelf, peer: Talk, name: str) -> Any:
    """Save row 1 as it came, which changes nothing."""
    came = peer.fetch(1)
    with shelf.counting_updates() as changes:
        assert peer.save(came) is True
    assert changes == []
    return came


def give_to_other(peer: Talk, name: str, came: Any) -> Any:
    """Save the value of row 1 in row 2."""
    other = peer.fetch(2)
    setattr(other, name, getattr(came, name))
    return peer.save(other)


@pytest.mark.parametrize("name", list(VALUES))
@EXAMPLES
@given(data=st.data())
def test_what_sqlite_accepts_comes_back_equal(
    sqlite_shelf: Shelf, name: str, data: st.DataObject
) -> None:
    check_field(sqlite_shelf, name, data.draw(st.none() | VALUES[name]))


@pytest.mark.parametrize("name", list(VALUES))
@EXAMPLES
@given(data=st.data())
def test_what_postgresql_accepts_comes_back_equal(
    postgres_shelf: Shelf, name: str, data: st.DataObject
) -> None:
    check_field(postgres_shelf, name, data.draw(st.none() | VALUES[name]))


@pytest.mark.parametrize("name", list(POSTGRES_VALUES))
@EXAMPLES
@given(data=st.data())
def test_what_only_postgresql_has_comes_back_equal(
    arrays_shelf: Shelf, name: str, data: st.DataObject
) -> None:
    check_field(arrays_shelf, name, data.draw(st.none() | POSTGRES_VALUES[name]))
