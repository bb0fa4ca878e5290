"""Whose identity a change of a table concerns."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User

from django_vortex.live.changes import Change, Operation
from django_vortex.orm.django.touched import find_tables
from django_vortex.transports.identity_tables import EVERYBODY, MAX_USERS, NOBODY, IdentityTables


def change(model: Any, *keys: Any, operation: Operation = Operation.UPDATE, **more: Any) -> Change:
    [table] = find_tables(model)
    return Change(table, operation, frozenset((key,) for key in keys) if keys else None, **more)


def test_changed_users_are_checked() -> None:
    found = IdentityTables().find([change(User, 1), change(User, 2, operation=Operation.DELETE)])
    assert (found.users, found.is_everybody) == ({"1", "2"}, False)


def test_logins_and_new_users_concern_nobody() -> None:
    login = change(User, 1, columns=frozenset({"last_login"}))
    new = change(User, 3, operation=Operation.INSERT)
    assert IdentityTables().find([login, new]) is NOBODY


@pytest.mark.parametrize(
    "model",
    [Group, Permission, User.groups.through, User.user_permissions.through],
    ids=lambda one: one.__name__,
)
def test_groups_and_permissions_concern_everybody(model: Any) -> None:
    found = IdentityTables().find([change(model, 1, operation=Operation.INSERT)])
    assert found is EVERYBODY


def test_unknown_or_many_users_are_everybody() -> None:
    assert IdentityTables().find([change(User)]) is EVERYBODY
    assert IdentityTables().find([change(User, *range(MAX_USERS + 1))]) is EVERYBODY


def test_other_tables_concern_nobody() -> None:
    from django.contrib.contenttypes.models import ContentType

    assert IdentityTables().find([change(ContentType, 1)]) is NOBODY
