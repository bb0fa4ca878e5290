"""How permissions are joined."""

from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.conditions import NOTHING, AnyOf, Comparison, Not
from django_vortex.orm.crud.permission import Action, Permission, to_permission
from django_vortex.orm.crud.permissions import (
    AllowAny,
    AuthenticatedOrReadOnly,
    IsAuthenticated,
    IsStaff,
    ModelPermissions,
    ReadOnly,
)
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import Request
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope
from tests.unit.orm.crud_bench import User

ANN, STAFF = User(7), User(9, is_staff=True)
READ, WRITE = Action.RETRIEVE, Action.UPDATE


def request(user: Any = None) -> Request:
    return Request(PayloadEnvelope({}), Peer("u", "n", user=user), codec=Codec())


class Own(Permission):
    def scope(self, request: Request, action: Action) -> Any:
        return {"owner_id": request.user.pk}


class Later(Permission):
    async def allows(self, request: Request, action: Action) -> bool:
        return request.user is not None

    async def scope(self, request: Request, action: Action) -> Any:
        return {"owner_id": 1}


class Small(Permission):
    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return row < 10


MINE = Comparison("owner_id", "exact", 7)


@pytest.mark.parametrize(
    ("permission", "user", "reads", "writes"),
    [
        (AllowAny, None, True, True),
        (ReadOnly, STAFF, True, False),
        (IsAuthenticated, None, False, False),
        (IsAuthenticated, ANN, True, True),
        (IsStaff, ANN, False, False),
        (IsStaff, STAFF, True, True),
        (IsStaff, User(is_staff=True, is_active=False), False, False),
        (AuthenticatedOrReadOnly, None, True, False),
        (AuthenticatedOrReadOnly, ANN, True, True),
        (IsStaff | ReadOnly, ANN, True, False),
        (IsStaff & ReadOnly, STAFF, True, False),
        (~ReadOnly, None, False, True),
        (~(IsStaff | ReadOnly), ANN, False, True),
        (~(IsStaff & ReadOnly), STAFF, False, True),
        (~~IsStaff, STAFF, True, True),
        (ModelPermissions(("a", "b")), User(permissions=frozenset({"a.view_b"})), True, False),
    ],
)
def test_actions(permission: Any, user: Any, reads: bool, writes: bool):
    asked = to_permission(permission)
    assert asked.allows(request(user), READ) is reads
    assert asked.allows(request(user), WRITE) is writes


def test_scopes_are_joined_like_their_permissions():
    assert (IsStaff | Own).scope(request(ANN), READ) == MINE
    assert (IsStaff | Own).scope(request(STAFF), READ) is None
    assert (IsStaff & Own).scope(request(ANN), READ) == MINE
    assert (~Own()).scope(request(ANN), READ) == Not(MINE)
    assert (~~Own()).scope(request(ANN), READ) == {"owner_id": 7}
    both = (Own | Own).scope(request(ANN), READ)
    assert both == AnyOf((MINE, MINE))
    assert (~IsStaff & Own).scope(request(ANN), READ) == MINE
    assert (~(IsStaff & Own)).scope(request(STAFF), READ) == Not(Comparison("owner_id", "exact", 9))
    assert (ReadOnly | IsStaff).scope(request(ANN), WRITE) in (NOTHING, AnyOf((NOTHING, NOTHING)))


def test_rows_are_joined_like_their_permissions():
    assert (IsStaff | Small).allows_object(request(STAFF), READ, 50) is True
    assert (IsStaff | Small).allows_object(request(ANN), READ, 50) is False
    assert (IsStaff | Small).allows_object(request(ANN), READ, 5) is True
    assert (~Small()).allows_object(request(ANN), READ, 5) is False
    assert (~Small()).allows(request(ANN), READ) is True
    assert (IsStaff & Small).allows_object(request(STAFF), READ, 50) is False


async def test_coroutines_are_joined_as_well():
    joined = Later & IsStaff
    assert await joined.allows(request(STAFF), READ) is True
    assert await joined.allows(request(None), READ) is False
    assert await (~Later()).scope(request(ANN), READ) == Not(Comparison("owner_id", "exact", 1))
    either = Later | Own
    assert await either.allows(request(None), READ) is True
    wanted = AnyOf((Comparison("owner_id", "exact", 1), MINE))
    assert await either.scope(request(ANN), READ) == wanted


def test_joins_that_would_let_too_much_through_are_refused():
    with pytest.raises(DefinitionError, match="a row outside the one scope would pass"):
        Own | Small
    with pytest.raises(DefinitionError, match="negate a scope and allows_object"):
        ~(type("Two", (Own, Small), {}))()


@pytest.mark.parametrize("value", [None, "IsStaff", object, 5])
def test_what_is_no_permission_is_told(value: Any):
    with pytest.raises(DefinitionError, match="Expected a Permission"):
        to_permission(value)
    with pytest.raises(DefinitionError, match="takes arguments"):
        to_permission(ModelPermissions)
