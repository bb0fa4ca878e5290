"""How permissions are joined."""

from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.orm.conditions import NOTHING, AnyOf, Comparison, Not, to_condition
from django_vortex.routing.peer import Peer
from django_vortex.routing.permission import Action, Permission, to_permission
from django_vortex.routing.permissions import (
    AllowAny,
    AuthenticatedOrReadOnly,
    IsAuthenticated,
    IsStaff,
    ModelPermissions,
    ReadOnly,
)
from django_vortex.routing.request import Request
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope
from tests.support.routing import InlineSync, wait_at_once
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
    def scope(permission: Any, user: Any, action: Action = READ) -> Any:
        return to_condition(to_permission(permission).scope(request(user), action))

    assert scope(IsStaff | Own, ANN) == MINE
    assert scope(IsStaff | Own, STAFF) is None
    assert scope(IsStaff & Own, ANN) == MINE
    assert scope(~Own(), ANN) == Not(MINE)
    assert scope(~~Own(), ANN) == MINE
    assert scope(Own | Own, ANN) == AnyOf((MINE, MINE))
    assert scope(~IsStaff & Own, ANN) == MINE
    assert scope(~(IsStaff & Own), STAFF) == Not(Comparison("owner_id", "exact", 9))
    assert scope(ReadOnly | IsStaff, ANN, WRITE) == NOTHING


def test_rows_are_joined_like_their_permissions():
    assert (IsStaff | Small).allows_object(request(STAFF), READ, 50) is True
    assert (IsStaff | Small).allows_object(request(ANN), READ, 50) is False
    assert (IsStaff | Small).allows_object(request(ANN), READ, 5) is True
    assert (~Small()).allows_object(request(ANN), READ, 5) is False
    assert (~Small()).allows(request(ANN), READ) is True
    assert (IsStaff & Small).allows_object(request(STAFF), READ, 50) is False


def test_coroutines_are_joined_as_well():
    def waiting(user: Any) -> Request:
        made = request(user)
        made.wait_by(wait_at_once)
        return made

    joined = Later & IsStaff
    assert joined.allows(waiting(STAFF), READ) is True
    assert joined.allows(waiting(None), READ) is False
    one = Comparison("owner_id", "exact", 1)
    assert to_condition((~Later()).scope(waiting(ANN), READ)) == Not(one)
    either = Later | Own
    assert either.allows(waiting(None), READ) is True
    assert to_condition(either.scope(waiting(ANN), READ)) == AnyOf((one, MINE))


async def test_a_joined_coroutine_lets_nobody_through_where_nobody_may_wait():
    class Known(Permission):
        async def allows(self, request: Request, action: Action) -> bool:
            return True

    for joined in (Known & IsStaff, Known | IsStaff, ~Known()):
        with pytest.raises(RuntimeError, match="has to be awaited"):
            joined.allows(request(ANN), READ)


class Blocking(Permission):
    def allows(self, request: Request, action: Action) -> bool:
        return request.user is STAFF


@pytest.mark.parametrize(
    ("permission", "user", "verdict", "threads"),
    [
        (AllowAny, None, True, 0),
        (IsStaff | ReadOnly, None, True, 0),
        (Blocking, STAFF, True, 1),
        (Blocking, ANN, False, 1),
        (~Blocking(), ANN, True, 1),
        (Later & Blocking, STAFF, True, 1),
        (Later & Blocking, ANN, False, 1),
        (Later & Blocking, None, False, 0),
        (IsStaff | Blocking, ANN, False, 1),
        (IsStaff | Blocking, STAFF, True, 0),
        (Blocking & Later, STAFF, True, 1),
        (Later | IsStaff, ANN, True, 0),
        (~Later(), None, True, 0),
        (type("Quick", (Blocking,), {"may_block": False}), STAFF, True, 0),
        (type("Child", (Blocking,), {}), STAFF, True, 1),
        (type("Calm", (Blocking,), {"allows": Later.allows}), ANN, True, 0),
    ],
)
async def test_what_may_block_is_asked_in_a_thread(
    permission: Any, user: Any, verdict: bool, threads: int
):
    sync = InlineSync()
    assert await to_permission(permission).ask(request(user), READ, sync) is verdict
    assert sync.count == threads


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


class HasPermission:  # as those of Django REST Framework
    def has_permission(self, request: Any, view: Any) -> bool:
        return True


Framework = type("IsAuthenticated", (), {"__module__": "rest_framework.permissions"})


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (HasPermission, "Django REST Framework ask a view"),
        (HasPermission(), "Django REST Framework ask a view"),
        (Framework, "Django REST Framework ask a view"),
        ([IsStaff], "join several by & or |"),
    ],
)
def test_permissions_of_others_are_refused_with_a_hint(value: Any, hint: str):
    with pytest.raises(DefinitionError, match=hint):
        to_permission(value)
    with pytest.raises(DefinitionError, match=hint):
        IsStaff & value
