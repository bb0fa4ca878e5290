"""Whose identity changes of tables concern: `IdentityTables`.

Takes committed changes, gives the users whose peers are to be checked again; changes of groups and
permissions concern everybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from django_vortex.live.changes import Change, Operation, Table
from django_vortex.orm.django.touched import find_tables
from django_vortex.transports import user_tables

MAX_USERS: Final = 100
"""Changes of more users at once concern everybody."""

LAST_LOGIN: Final = "last_login"
"""The field of a user that changes with each login and says nothing about what it may do."""


@dataclass(frozen=True, slots=True)
class Concerned:
    """Users whose peers are to be checked.

    Attributes:
        users: Their primary keys as text.
        is_everybody: Whether it may be anybody.
    """

    users: frozenset[str] = field(default_factory=frozenset)
    is_everybody: bool = False


NOBODY: Final = Concerned()

EVERYBODY: Final = Concerned(is_everybody=True)


class IdentityTables:
    """The tables of users, groups and permissions of the project, if it has them."""

    def find(self, changes: Sequence[Change]) -> Concerned:
        """Return whom changes concern; new users have no peers yet."""
        users: set[str] = set()
        for change in changes:
            if change.table in self._of_rights:
                return EVERYBODY
            if change.table not in self._of_users or change.operation is Operation.INSERT:
                continue
            if change.columns is not None and change.columns == {self._last_login}:
                continue
            if change.keys is None:
                return EVERYBODY
            users.update(str(key[0]) for key in change.keys)
        if len(users) > MAX_USERS:
            return EVERYBODY
        return Concerned(frozenset(users)) if users else NOBODY

    @cached_property
    def _of_users(self) -> frozenset[Table]:
        model = user_tables.find_user_model()
        return frozenset() if model is None else frozenset(find_tables(model))

    @cached_property
    def _of_rights(self) -> frozenset[Table]:
        model = user_tables.find_user_model()
        if model is None:
            return frozenset()
        from django.contrib.auth.models import Group, Permission

        through = [
            model._meta.get_field(name).remote_field.through
            for name in ("groups", "user_permissions")
            if any(one.name == name for one in model._meta.many_to_many)
        ]
        models = [Group, Permission, Group._meta.get_field("permissions").remote_field.through]
        return frozenset(table for one in (*models, *through) for table in find_tables(one))

    @cached_property
    def _last_login(self) -> str:
        model = user_tables.find_user_model()
        fields = [] if model is None else model._meta.concrete_fields
        return next((one.column for one in fields if one.name == LAST_LOGIN), LAST_LOGIN)
