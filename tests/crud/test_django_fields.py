"""Whatever a database accepts in a Django field goes out, comes back and is stored equal."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.postgres.search import SearchVector
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connections
from django.db.backends.postgresql.psycopg_any import Range
from django.db.models import Value
from django.test import override_settings
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.django.kinds import get_kind
from django_vortex.wire.dialects import Dialect
from tests.crud.django_fields import KEYS, VALUES, Pair
from tests.crud.django_postgres_fields import POSTGRES_VALUES, PostgresKinds
from tests.crud.django_shelf import Shelf, Talk, are_equal
from tests.crud.field_fixtures import *  # noqa: F403
from tests.crud.field_fixtures import PARTNER
from tests.settings import INSTALLED_APPS

EXAMPLES = settings(max_examples=15)
INEXACT_IN_D2 = {"digits", "duration", "price_range"}
"""What released clients get as a float."""


def travelling(value: Any) -> Any:
    """Return what stands for a value on the wire."""
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

    plain, whole = shelf.read_both_ways(name)
    assert are_equal(plain, whole)
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


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.D2])
@pytest.mark.parametrize("name", list(KEYS))
@EXAMPLES
@given(data=st.data())
def test_every_kind_of_key_finds_its_row(
    sqlite_shelf: Shelf, name: str, dialect: Dialect, data: st.DataObject
) -> None:
    model, keys = KEYS[name]
    check_key(Shelf(model, sqlite_shelf.alias), data.draw(keys), dialect)


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.D2])
@pytest.mark.parametrize("name", list(KEYS))
@EXAMPLES
@given(data=st.data())
def test_every_kind_of_key_finds_its_row_in_postgresql(
    postgres_shelf: Shelf, name: str, dialect: Dialect, data: st.DataObject
) -> None:
    model, keys = KEYS[name]
    check_key(Shelf(model, postgres_shelf.alias), data.draw(keys), dialect)


def check_key(shelf: Shelf, key: Any, dialect: Dialect) -> None:
    shelf.rows.all().delete()
    try:
        shelf.rows.create(id=key)
        [key] = shelf.rows.values_list("id", flat=True)
    except (DatabaseError, OverflowError, ValueError):
        assume(False)
    with shelf.connected(dialect) as peer:
        row = peer.fetch(key)
        assert are_equal(row.id, key)
        row.note = "seen"
        assert peer.save(row) is True
    assert list(shelf.rows.values_list("id", "note", "version")) == [(key, "seen", 2)]


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.D2])
def test_a_key_of_several_fields_finds_its_row(shelf: Shelf, dialect: Dialect) -> None:
    pairs = Shelf(Pair, shelf.alias)
    pairs.rows.all().delete()
    day = dt.date(2024, 1, 2)
    for name in ("a", "1", "b ä"):
        pairs.rows.create(name=name, day=day)
    with pairs.connected(dialect) as peer:
        row = peer.fetch(["1", day])
        row.note = "seen"
        assert peer.save(row) is True
    found = pairs.rows.order_by("name").values_list("name", "day", "note")
    assert list(found) == [("1", day, "seen"), ("a", day, ""), ("b ä", day, "")]


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.D2])
def test_related_rows_travel_as_their_keys(shelf: Shelf, dialect: Dialect) -> None:
    shelf.put(owner_id=1, partner_id=PARTNER)
    shelf.rows.get(id=1).tags.set(["c", "a"])
    with shelf.connected(dialect) as peer:
        came = send_back(shelf, peer, "tags")
        assert (came.owner_id, came.partner_id, came.tags) == (1, PARTNER, ["c", "a"])
        other = peer.fetch(2)
        other.owner_id, other.tags = came.owner_id, came.tags
        assert peer.save(other) is True
    stored = shelf.rows.get(id=2)
    assert (stored.owner_id, {tag.pk for tag in stored.tags.all()}) == (1, {"a", "c"})


def test_keys_in_another_order_are_no_change(shelf: Shelf) -> None:
    shelf.put()
    shelf.rows.get(id=1).tags.set(["a", "c"])
    with shelf.connected() as peer:
        came = peer.fetch(1)
        came.tags.reverse()
        with shelf.counting_updates() as changes:
            assert peer.save(came) is True
        assert changes == []
        came.tags.pop()
        with shelf.counting_updates() as changes:
            assert peer.save(came) is True
        assert changes != []


def test_keys_that_have_no_order_come_in_their_own(shelf: Shelf) -> None:
    shelf.put()
    for keys in ([3, 1], [2]):
        shelf.rows.get(id=1).owners.add(*keys)
    with shelf.connected() as peer:
        assert send_back(shelf, peer, "owners").owners == [1, 2, 3]


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.D2])
def test_what_the_application_makes_is_for_reading(shelf: Shelf, dialect: Dialect) -> None:
    shelf.put(char="ä", file="a b.txt", image="c.png")
    with shelf.connected(dialect) as peer:
        came = send_back(shelf, peer, "file")
        assert (came.file, came.image) == ("/files/a%20b.txt", "/images/c.png")
        assert (came.length, came.changed) == (1, shelf.stored(1, "changed"))
        later = came.changed + dt.timedelta(days=1)
        for name, value in {"file": "x", "image": "x", "length": 2, "changed": later}.items():
            changed = peer.fetch(1)
            setattr(changed, name, value)
            result = peer.save(changed)
            assert "read-only" in str(result)
            assert name in str(result)


@pytest.mark.parametrize("dialect", [Dialect.NATIVE, Dialect.D2])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_projects_without_time_zones_keep_theirs(
    request: pytest.FixtureRequest, kind: str, dialect: Dialect
) -> None:
    shelf: Shelf = request.getfixturevalue(f"{kind}_shelf")
    connections[shelf.alias].close()
    with override_settings(USE_TZ=False, TIME_ZONE="Asia/Tokyo"):
        moment = dt.datetime(2024, 1, 2, 3, 4, 5, 678_901)
        shelf.put(moment=moment)
        with shelf.connected(dialect) as peer:
            came = send_back(shelf, peer, "moment")
            assert give_to_other(peer, "moment", came) is True
            assert shelf.stored(2, "moment") == moment
            came.moment = dt.datetime(2024, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=3)))
            assert peer.save(came) is True
            assert shelf.stored(1, "moment") == dt.datetime(2024, 1, 1, 21)
    connections[shelf.alias].close()


def test_an_hstore_without_its_app_is_the_programmers_mistake(arrays_shelf: Shelf) -> None:
    get_kind.cache_clear()
    with (
        override_settings(INSTALLED_APPS=INSTALLED_APPS),
        pytest.raises(DefinitionError, match=r"HStoreField; add 'django.contrib\.postgres'"),
    ):
        Shelf(PostgresKinds, arrays_shelf.alias)


def test_what_text_search_computes_can_be_read(arrays_shelf: Shelf) -> None:
    arrays_shelf.put()
    arrays_shelf.rows.filter(id=1).update(
        words=SearchVector(Value("the red cat"), config="english")
    )
    with arrays_shelf.connected() as peer:
        assert send_back(arrays_shelf, peer, "words").words == "'cat':3 'red':2"
