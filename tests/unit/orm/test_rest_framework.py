"""Permissions of Django REST Framework are refused wherever one of ours can stand."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework import permissions as drf

from django_vortex import (
    CrudModel,
    CrudNested,
    IsStaff,
    ModelHandler,
    OrmCrudHandler,
    Permission,
    RowsHandler,
    endpoint,
)
from django_vortex.exceptions import DefinitionError
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permission import to_permission
from tests.unit.orm.models import Author, Ticket

HINT = "ask a view, these ask allows"


class OfTheProject(drf.BasePermission):
    def has_object_permission(self, request: Any, view: Any, obj: Any) -> bool:
        return False


@pytest.mark.parametrize(
    "value",
    [
        drf.IsAuthenticated,
        drf.IsAuthenticated(),
        drf.IsAuthenticated & drf.IsAdminUser,
        ~drf.IsAuthenticated,
        drf.IsAuthenticated | IsStaff,
        OfTheProject,
        OfTheProject(),
        drf.DjangoModelPermissions,
    ],
    ids=["class", "object", "and", "not", "mixed", "own class", "own object", "models"],
)
def test_none_is_taken_for_a_permission(value: Any) -> None:
    for join in (
        lambda: to_permission(value),
        lambda: IsStaff & value,
        lambda: IsStaff() | value,
    ):
        with pytest.raises(DefinitionError, match=HINT):
            join()


def serve(**options: Any) -> Any:
    options = {"fields": ["title"], "type_name": "drf.Ticket", **options}
    models = options.pop("models", ())
    return OrmCrudHandler({"key": "drf"}, Ticket, *models, payload_io=PayloadIO(), **options)


@pytest.mark.parametrize(
    "define",
    [
        lambda value: serve(permission=value),
        lambda value: serve(references={"author": value}),
        lambda value: serve(nested={"author": CrudNested(["name"], permission=value)}),
        lambda value: serve(models=[CrudModel(Author, fields=["name"], permission=value)]),
        lambda value: RowsHandler({"key": "drf"}, Ticket, permission=value, payload_io=PayloadIO()),
        lambda value: endpoint({"key": "drf"}, permission=value)(lambda request: None),
    ],
    ids=["crud", "references", "nested", "models", "rows", "endpoint"],
)
def test_it_is_refused_wherever_a_permission_stands(define: Callable[[Any], Any]) -> None:
    with pytest.raises(DefinitionError, match=HINT):
        define(drf.IsAuthenticated)


@pytest.mark.parametrize("base", [OrmCrudHandler, RowsHandler, ModelHandler])
def test_attributes_of_a_class_are_refused_by_their_names(base: Any) -> None:
    def define(**members: Any) -> None:
        type("Tickets", (base,), {"__module__": "board.vortex", **members})

    with pytest.raises(DefinitionError, match=rf"board\.vortex\.Tickets\.permission: .*{HINT}"):
        define(permission=drf.IsAuthenticated)
    wanted = r"Tickets\.permission_classes counts for nothing.* write permission = IsAuthenticated"
    with pytest.raises(DefinitionError, match=wanted):
        define(permission_classes=[drf.IsAuthenticated])
    if base is not ModelHandler:
        with pytest.raises(DefinitionError, match="takes no 'permission_classes' in django_vortex"):
            base({"key": "drf"}, Ticket, permission_classes=[drf.IsAuthenticated])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("has_permission", "write allows(self, request, action)"),
        ("has_object_permission", "write allows_object(self, request, action, row)"),
        ("allow", "did you mean 'allows'"),
        ("allow_object", "did you mean 'allows_object'"),
    ],
)
def test_a_permission_whose_method_nobody_asks_is_refused(name: str, hint: str) -> None:
    def refuse(*arguments: Any) -> bool:
        return False

    for members, bases in (({name: refuse}, ()), ({}, (type("Mixin", (), {name: refuse}),))):
        with pytest.raises(DefinitionError) as caught:
            type("Own", (*bases, Permission), members)
        assert f"Own.{name} would never be asked" in str(caught.value)
        assert hint in str(caught.value)


def test_other_members_of_a_permission_are_its_own() -> None:
    class Scoped(Permission):
        scopes = ("read",)

        def is_allowed(self, user: Any) -> bool:
            return True

    assert Scoped().restricts == frozenset()
