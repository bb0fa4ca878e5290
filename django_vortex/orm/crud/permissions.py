"""Who may do what to which rows: the permissions that come with the package.

Takes nothing, gives classes for ``permission=`` of `OrmCrudHandler`. They are joined by ``&``,
``|`` and ``~``, see `Permission`.
"""

from collections.abc import Callable
from typing import Any

from django_vortex.orm.crud.permission import Action, Permission, to_permission
from django_vortex.orm.crud.verdicts import Verdict
from django_vortex.routing.request import Request

__all__ = [
    "Action",
    "AllowAny",
    "AuthenticatedOrReadOnly",
    "IsAuthenticated",
    "IsStaff",
    "ModelPermissions",
    "Permission",
    "ReadOnly",
    "default_permission",
    "is_authenticated",
    "to_permission",
]


class AllowAny(Permission):
    """Everybody, also without a login."""


class IsAuthenticated(Permission):
    """Whoever is logged in."""

    def allows(self, request: Request, action: Action) -> bool:
        """Ask the user."""
        return is_authenticated(request)


class IsStaff(Permission):
    """Users with ``is_staff``."""

    def allows(self, request: Request, action: Action) -> bool:
        """Ask the user, who has to be logged in and active."""
        user = request.user
        return is_authenticated(request) and user.is_active and bool(user.is_staff)


class ReadOnly(Permission):
    """Everybody, but nobody may change anything."""

    def allows(self, request: Request, action: Action) -> bool:
        """Let retrieving through."""
        return action is Action.RETRIEVE


class AuthenticatedOrReadOnly(Permission):
    """Everybody may retrieve; who is logged in may do everything."""

    def allows(self, request: Request, action: Action) -> bool:
        """Ask the user unless nothing is changed."""
        return action is Action.RETRIEVE or is_authenticated(request)


class ModelPermissions(Permission):
    """Users with Django's permissions of a model: ``app.view_model``, ``add``, ``change``, ...

    Args:
        model: A Django model, or a pair such as ``("stock", "airport")`` where the table is none.
    """

    _VERBS = {
        Action.CREATE: "add",
        Action.RETRIEVE: "view",
        Action.UPDATE: "change",
        Action.DELETE: "delete",
    }

    def __init__(self, model: Any) -> None:
        if isinstance(model, tuple):
            self._app_label, self._model_name = model
        else:
            self._app_label, self._model_name = model._meta.app_label, model._meta.model_name

    def allows(self, request: Request, action: Action) -> bool:
        """Ask ``user.has_perm``."""
        name = f"{self._app_label}.{self._VERBS[action]}_{self._model_name}"
        return is_authenticated(request) and bool(request.user.has_perm(name))


def is_authenticated(request: Request) -> bool:
    """Say whether somebody is logged in."""
    return bool(getattr(request.user, "is_authenticated", False))


class _Default(Permission):
    """Whatever the project's default is when somebody asks."""

    def __init__(self) -> None:
        self.find: Callable[[], Permission] = AuthenticatedOrReadOnly
        self.restricts = frozenset({"scope", "rows"})

    def allows(self, request: Request, action: Action) -> Verdict:
        return self.find().allows(request, action)

    def allows_object(self, request: Request, action: Action, row: Any) -> Verdict:
        return self.find().allows_object(request, action, row)

    def scope(self, request: Request, action: Action) -> Any:
        return self.find().scope(request, action)


default_permission = _Default()
"""The permission of handlers that name none; its ``find`` is set where settings are known."""
