"""Which failures of drivers are none a moment later."""

import sqlite3
from typing import Any

import pytest

from django_vortex.orm.transient import may_try_again


class Raised(Exception):
    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args)
        vars(self).update(attributes)


class OperationalError(Exception):
    __module__ = "psycopg"


class PoolTimeout(OperationalError):
    __module__ = "psycopg_pool"


@pytest.mark.parametrize(
    "raised",
    [
        Raised(sqlstate="40001"),
        Raised(pgcode="40P01"),
        Raised(sqlstate="53300"),
        Raised(sqlstate="55P03"),
        Raised(sqlstate="57014"),
        Raised(sqlite_errorname="SQLITE_BUSY"),
        Raised(sqlite_errorname="SQLITE_BUSY_SNAPSHOT"),
        Raised(sqlite_errorname="SQLITE_LOCKED"),
        Raised(1213, "Deadlock found"),
    ],
)
def test_who_was_in_the_way_of_others_may_try_again(raised: Any):
    assert may_try_again(raised, is_committing=False)
    assert may_try_again(raised, is_committing=True)


@pytest.mark.parametrize(
    "raised",
    [
        Raised(sqlstate="08006"),
        Raised(sqlstate="57P01"),
        Raised(2006, "MySQL server has gone away"),
        ConnectionRefusedError(111, "Connection refused"),
        OperationalError("the connection is closed"),
        PoolTimeout("couldn't get a connection"),
    ],
)
def test_who_has_lost_the_connection_may_try_again_unless_it_was_committing(raised: Any):
    assert may_try_again(raised, is_committing=False)
    assert not may_try_again(raised, is_committing=True)


@pytest.mark.parametrize(
    "raised",
    [
        Raised(),
        Raised(sqlstate="40003"),
        Raised(sqlstate="42P01"),
        Raised(sqlstate="23505"),
        Raised(1054, "Unknown column"),
        sqlite3.OperationalError("no such table: crud_ticket"),
        OSError("the password is wrong"),
    ],
)
def test_what_would_fail_again_is_not_tried_again(raised: Any):
    assert not may_try_again(raised, is_committing=False)
    assert not may_try_again(raised, is_committing=True)
