"""The permissions that come with the package, for ``permission=`` of handlers and endpoints.

They are joined by ``&``, ``|`` and ``~``, see `Permission`.
"""

from collections.abc import Callable
from typing import Any, Final

from django_vortex.exceptions import DefinitionError
from django_vortex.routing.permission import READING, Action, Permission, Verdict
from django_vortex.routing.request import Request
from django_vortex.typedefs import RunSync


class AllowAny(Permission):
    """Everybody, also without a login."""


class IsAuthenticated(Permission):
    """Whoever is logged in."""

    may_block = False

    def allows(self, request: Request, action: Action) -> bool:
        """Ask the user."""
        return is_authenticated(request)


class IsStaff(Permission):
    """Users with ``is_staff``."""

    may_block = False

    def allows(self, request: Request, action: Action) -> bool:
        """Ask the user, who has to be logged in and active."""
        user = request.user
        return is_authenticated(request) and user.is_active and bool(user.is_staff)


class ReadOnly(Permission):
    """Everybody may retrieve; nobody may change anything."""

    may_block = False

    def allows(self, request: Request, action: Action) -> bool:
        """Return whether the action is `Action.RETRIEVE`."""
        return action is READING


class AuthenticatedOrReadOnly(Permission):
    """Everybody may retrieve; who is logged in may do everything."""

    may_block = False

    def allows(self, request: Request, action: Action) -> bool:
        """Ask the user unless nothing is changed."""
        return action is READING or is_authenticated(request)


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

    def __repr__(self) -> str:
        return f"ModelPermissions({self._app_label}.{self._model_name})"


def is_authenticated(request: Request) -> bool:
    """Return whether somebody is logged in."""
    return bool(getattr(request.user, "is_authenticated", False))


_generation = 0
"""Counts how often defaults may have changed."""


def forget_defaults() -> None:
    """Let all handlers look up their default again, after a change of the settings."""
    global _generation
    _generation += 1


class DefaultPermission(Permission):
    """Whatever the project's default is when somebody asks.

    Args:
        find: Returns it; called again after `forget_defaults`.
    """

    def __init__(self, find: Callable[[], Permission]) -> None:
        self._find = find
        self._known: Permission | None = None
        self._generation = -1

    @property
    def current(self) -> Permission:
        """The default as it is now.

        Raises:
            DefinitionError: It tells rows apart, where there are none.
        """
        known = self._known
        if known is not None and self._generation == _generation:
            return known
        generation, permission = _generation, self._find()
        if permission.restricts and not self.restricts:
            raise DefinitionError(
                f"The default permission {permission} tells rows apart, which only handlers of "
                "tables can; name it as permission= of those, and another as the default"
            )
        self._known, self._generation = permission, generation
        return permission

    @property
    def may_block(self) -> bool:  # type: ignore[override]
        """As of the default."""
        return self.current.may_block

    @property
    def is_awaited(self) -> bool:  # type: ignore[override]
        """As of the default."""
        return self.current.is_awaited

    def allows(self, request: Request, action: Action) -> Verdict:
        """Ask the default."""
        return self.current.allows(request, action)

    async def ask(self, request: Request, action: Action, run_sync: RunSync) -> bool:
        """Ask the default."""
        return await self.current.ask(request, action, run_sync)

    def __repr__(self) -> str:
        return f"{self._find()} (default)"


class DefaultRowPermission(DefaultPermission):
    """The default of handlers whose rows it may tell apart."""

    restricts = frozenset({"scope", "rows"})

    def allows_object(self, request: Request, action: Action, row: Any) -> Verdict:
        """Ask the default."""
        return self.current.allows_object(request, action, row)

    def scope(self, request: Request, action: Action) -> Any:
        """Ask the default."""
        return self.current.scope(request, action)


class WholeHandler(Permission):
    """What a permission says of a handler as a whole, where its rows are told apart elsewhere.

    Args:
        permission: That permission.
    """

    def __init__(self, permission: Permission) -> None:
        self._permission = permission

    @property
    def may_block(self) -> bool:  # type: ignore[override]
        """As of the permission."""
        return self._permission.may_block

    @property
    def is_awaited(self) -> bool:  # type: ignore[override]
        """As of the permission."""
        return self._permission.is_awaited

    def allows(self, request: Request, action: Action) -> Verdict:
        """Ask the permission."""
        return self._permission.allows(request, action)

    async def ask(self, request: Request, action: Action, run_sync: RunSync) -> bool:
        """Ask the permission."""
        return await self._permission.ask(request, action, run_sync)

    def __repr__(self) -> str:
        return repr(self._permission)


PACKAGE_DEFAULT: Final = AuthenticatedOrReadOnly()
"""Who may do what where neither an application nor settings say."""
