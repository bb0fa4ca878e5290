"""Joined permissions let through what logic says, whichever they are made of.

A permission lets a peer do something to a row if it allows the action, has the row in its scope and
allows it for the row. That of ``a & b`` is *and*, of ``a | b`` *or*, of ``~a`` *not*.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.orm.conditions import to_condition
from django_vortex.routing.peer import Peer
from django_vortex.routing.permission import Action, Permission, to_permission
from django_vortex.routing.permissions import AllowAny, IsAuthenticated, IsStaff, ReadOnly
from django_vortex.routing.request import Request
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope
from tests.support.conditions import meets
from tests.support.routing import wait_at_once
from tests.unit.orm.crud_bench import User

CODEC = Codec()
USERS = [None, User(1), User(2), User(3, is_staff=True)]


class Own(Permission):
    """Lets those who are logged in at their own rows."""

    def allows(self, request: Request, action: Action) -> bool:
        return request.user is not None

    def scope(self, request: Request, action: Action) -> Any:
        return {"owner_id": request.user.pk}


class OwnLater(Own):
    async def allows(self, request: Request, action: Action) -> bool:
        return request.user is not None

    async def scope(self, request: Request, action: Action) -> Any:
        return {"owner_id": request.user.pk}


class FewToRead(Permission):
    """Has a scope for one action only."""

    def scope(self, request: Request, action: Action) -> Any:
        return {"points__lt": 5} if action is Action.RETRIEVE else None


class Small(Permission):
    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return bool(row["points"] < 5)


class OwnRow(Permission):
    async def allows(self, request: Request, action: Action) -> bool:
        return request.user is not None

    async def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return bool(row["owner_id"] == request.user.pk)


@dataclass(frozen=True)
class Leaf:
    kind: type[Permission]


@dataclass(frozen=True)
class Join:
    sign: str
    parts: "tuple[Tree, ...]"


Tree: TypeAlias = Leaf | Join


def trees(*kinds: type[Permission]) -> st.SearchStrategy[Tree]:
    return st.recursive(
        st.sampled_from(kinds).map(Leaf),
        lambda inner: (
            st.builds(Join, st.sampled_from("&|"), st.tuples(inner, inner))
            | st.builds(Join, st.just("~"), st.tuples(inner))
        ),
        max_leaves=6,
    )


PLAIN = (AllowAny, IsAuthenticated, IsStaff, ReadOnly)
PAIRS = [
    *product((IsStaff, ReadOnly, Own, OwnLater, FewToRead), repeat=2),
    *product((IsStaff, ReadOnly, Small, OwnRow), repeat=2),
]
ROWS = [{"owner_id": owner, "points": points} for owner in (1, 2) for points in (1, 9)]
# Rows known by their scope cannot be joined by | with rows known by allows_object.
TREES = trees(*PLAIN, Own, OwnLater, FewToRead) | trees(*PLAIN, Small, OwnRow)


def make(tree: Tree) -> Permission:
    """Join permissions as an application does."""
    if isinstance(tree, Leaf):
        return to_permission(tree.kind)
    parts = [make(part) for part in tree.parts]
    if tree.sign == "~":
        return ~parts[0]
    return parts[0] & parts[1] if tree.sign == "&" else parts[0] | parts[1]


def lets_through(permission: Permission, request: Request, action: Action, row: Any) -> bool:
    """Ask a permission all it is asked before something is done to a row."""
    if not request.resolve(permission.allows(request, action)):
        return False
    if not meets(to_condition(request.resolve(permission.scope(request, action))), row):
        return False
    return bool(request.resolve(permission.allows_object(request, action, row)))


def should(tree: Tree, request: Request, action: Action, row: Any) -> bool:
    """Return what logic says."""
    if isinstance(tree, Leaf):
        return lets_through(tree.kind(), request, action, row)
    parts = [should(part, request, action, row) for part in tree.parts]
    if tree.sign == "~":
        return not parts[0]
    return all(parts) if tree.sign == "&" else any(parts)


@given(
    TREES,
    st.sampled_from(USERS),
    st.sampled_from(Action),
    st.fixed_dictionaries({"owner_id": st.integers(1, 2), "points": st.sampled_from([1, 9])}),
)
def test_joined_permissions_let_through_what_logic_says(
    tree: Tree, user: Any, action: Action, row: Any
):
    request = Request(PayloadEnvelope({}), Peer("u", "n", user=user), codec=CODEC)
    request.wait_by(wait_at_once)
    assert lets_through(make(tree), request, action, row) is should(tree, request, action, row)


@pytest.mark.parametrize(
    "join",
    [
        lambda one, other: Join("&", (one, other)),
        lambda one, other: Join("|", (one, other)),
        lambda one, other: Join("~", (Join("&", (one, other)),)),
        lambda one, other: Join("~", (Join("|", (one, other)),)),
        lambda one, other: Join("&", (one, Join("~", (other,)))),
        lambda one, other: Join("|", (one, Join("~", (other,)))),
    ],
    ids=["and", "or", "nand", "nor", "and not", "or not"],
)
def test_any_two_permissions_are_joined_so(join: Callable[[Tree, Tree], Tree]):
    for one, other in PAIRS:
        tree = join(Leaf(one), Leaf(other))
        permission = make(tree)
        for user, action, row in product(USERS, (Action.RETRIEVE, Action.UPDATE), ROWS):
            request = Request(PayloadEnvelope({}), Peer("u", "n", user=user), codec=CODEC)
            request.wait_by(wait_at_once)
            right = should(tree, request, action, row)
            assert lets_through(permission, request, action, row) is right, tree
