"""The interface of permissions, and how they are joined.

Takes a request and an action, answers three questions: may this peer do it at all (`allows`), which
rows exist for it (`scope`), and may it do it to this row (`allows_object`). Every handler asks the
first, handlers of tables ask the others too. Permissions are joined by ``&``, ``|`` and ``~``; a
class stands for its instance without arguments.
"""

import difflib
import enum
import inspect
from collections.abc import Awaitable
from functools import partial
from typing import Any, Final, TypeAlias

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.routing.request import Request
from django_vortex.routing.scope import NO_ROWS, JoinedScope
from django_vortex.typedefs import RunSync

Verdict: TypeAlias = bool | Awaitable[bool]
"""What a method of a permission returns, which may be a coroutine function."""


class Action(enum.Enum):
    """What is done to a row; a handler without rows is always asked with `RETRIEVE`."""

    CREATE = "create"
    RETRIEVE = "retrieve"
    UPDATE = "update"
    DELETE = "delete"


READING: Final = Action.RETRIEVE
"""The action of whoever asks; looking it up by `Action` for each message would take as long as
asking most permissions.
"""


_ASKED: Final = ("allows", "allows_object", "scope")
"""The methods of a permission, each of which lets everything through if it is not defined."""

_ASKED_ELSEWHERE: Final = {
    "has_permission": "allows(self, request, action)",
    "has_object_permission": "allows_object(self, request, action, row)",
}
"""Methods of permissions of Django REST Framework, and what they are here."""


def _check_methods(cls: type[Any]) -> None:
    """Refuse methods that nobody would ask, so that the permission let everything through.

    Raises:
        DefinitionError: There is one.
    """
    methods = [
        name for one in cls.__mro__[:-1] for name, value in vars(one).items() if callable(value)
    ]
    for name in methods:
        near = difflib.get_close_matches(name, _ASKED, 1, 0.85)
        if name in _ASKED_ELSEWHERE:
            hint = f"django_vortex has no view to ask about: write {_ASKED_ELSEWHERE[name]}"
        elif near and name not in _ASKED:
            hint = f"did you mean {near[0]!r}?"
        else:
            continue
        raise DefinitionError(
            f"{cls.__module__}.{cls.__qualname__}.{name} would never be asked; {hint}"
        )


class _Composable(type):
    """Lets classes of permissions be joined like their instances: ``IsStaff | ReadOnly``."""

    def __and__(cls, other: Any) -> "Permission":
        return to_permission(cls) & to_permission(other)

    def __rand__(cls, other: Any) -> "Permission":
        return to_permission(other) & cls

    def __or__(cls, other: Any) -> "Permission":  # type: ignore[override]  # no unions of types
        return to_permission(cls) | to_permission(other)

    def __ror__(cls, other: Any) -> "Permission":  # type: ignore[override]
        return to_permission(other) | cls

    def __invert__(cls) -> "Permission":
        return ~to_permission(cls)


class Permission(metaclass=_Composable):
    """Allows everything; subclasses override one of its methods to restrict.

    All three methods may be coroutine functions, which run on the event loop; the methods of joined
    permissions wait for theirs, and are called where they may: in a transaction's thread or
    greenlet. On a loop `ask` is awaited instead. `Request.user` is the user, None or Django's
    anonymous one if nobody is logged in; a user without ``is_authenticated`` is not either.

    Attributes:
        restricts: How rows are told apart: ``scope``, ``rows`` (by `allows_object`), both or not at
            all. Known from what a subclass defines.
        may_block: Whether `allows` may wait for a database, so that it is asked in a thread. True
            for every plain function of a subclass that does not set it to False.
        is_awaited: Whether `allows` is a coroutine function, or joined with one.
    """

    restricts: frozenset[str] = frozenset()
    may_block: bool = False
    is_awaited: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _check_methods(cls)
        if "is_awaited" not in vars(cls):
            cls.is_awaited = inspect.iscoroutinefunction(cls.allows)
        if "may_block" not in vars(cls):
            owner = next(base for base in cls.__mro__ if "allows" in vars(base))
            cls.may_block = bool(vars(owner).get("may_block", not cls.is_awaited))
        ways = {"scope": "scope", "allows_object": "rows"}
        cls.restricts = frozenset(
            way for name, way in ways.items() if getattr(cls, name) is not getattr(Permission, name)
        )

    def allows(self, request: Request, action: Action) -> Verdict:
        """Return whether the peer may do this to any row; asked before the database is."""
        return True

    def allows_object(self, request: Request, action: Action, row: Any) -> Verdict:
        """Return whether the peer may do this to one row.

        Asked of each row that is read, before it is changed or deleted, and of new and changed rows
        as they are going to be. For many rows `scope` is cheaper and says nothing of the others.
        """
        return True

    def scope(self, request: Request, action: Action) -> Any:
        """Return which rows exist for the peer; None is all.

        A mapping such as ``{"owner_id": 5, "due__lt": date}`` or an expression of the ORM. A row
        outside is answered exactly like one that does not exist.
        """
        return None

    async def ask(self, request: Request, action: Action, run_sync: RunSync) -> bool:
        """Decide `allows` on a loop: what may block is run by ``run_sync``."""
        if self.may_block:
            verdict = await run_sync(partial(self.allows, request, action))
        else:
            verdict = self.allows(request, action)
        return bool(await verdict if inspect.isawaitable(verdict) else verdict)

    def __repr__(self) -> str:
        return type(self).__qualname__

    def __and__(self, other: Any) -> "Permission":
        return _Both(self, to_permission(other))

    def __or__(self, other: Any) -> "Permission":
        return _Either(self, to_permission(other))

    def __invert__(self) -> "Permission":
        return _Opposite(self)


class _Both(Permission):
    """What both of two permissions let through."""

    def __init__(self, first: Permission, second: Permission) -> None:
        self._first, self._second = first, second
        self.restricts = first.restricts | second.restricts
        self.may_block = first.may_block or second.may_block
        self.is_awaited = first.is_awaited or second.is_awaited

    def allows(self, request: Request, action: Action) -> bool:
        return _allows(self._first, request, action) and _allows(self._second, request, action)

    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return bool(request.resolve(self._first.allows_object(request, action, row))) and bool(
            request.resolve(self._second.allows_object(request, action, row))
        )

    async def ask(self, request: Request, action: Action, run_sync: RunSync) -> bool:
        return await self._first.ask(request, action, run_sync) and await self._second.ask(
            request, action, run_sync
        )

    def scope(self, request: Request, action: Action) -> Any:
        parts = (self._first, self._second)
        scopes = (request.resolve(one.scope(request, action)) for one in parts)
        return JoinedScope("all", tuple(scopes))

    def __invert__(self) -> Permission:
        return ~self._first | ~self._second

    def __repr__(self) -> str:
        parts = (self._first, self._second)
        return " & ".join(f"({one})" if isinstance(one, _Either) else f"{one}" for one in parts)


class _Either(Permission):
    """What at least one of two permissions lets through.

    One that does not allow the action adds no rows: ``IsStaff | Own`` gives others their own rows
    only, although `IsStaff` has no scope.
    """

    def __init__(self, first: Permission, second: Permission) -> None:
        self._parts = (first, second)
        self.restricts = first.restricts | second.restricts
        self.may_block = first.may_block or second.may_block
        self.is_awaited = first.is_awaited or second.is_awaited
        if len(self.restricts) > 1:
            raise DefinitionError(
                f"{first} | {second} joins rows known by their scope with rows known "
                "by allows_object, and a row outside the one scope would pass; "
                "write one Permission that decides both"
            )

    def allows(self, request: Request, action: Action) -> bool:
        first, second = self._parts
        return _allows(first, request, action) or _allows(second, request, action)

    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        return any(_allows_row(part, request, action, row) for part in self._parts)

    def scope(self, request: Request, action: Action) -> Any:
        scopes = (_get_scope(part, request, action) for part in self._parts)
        return JoinedScope("any", tuple(scopes))

    async def ask(self, request: Request, action: Action, run_sync: RunSync) -> bool:
        first, second = self._parts
        return await first.ask(request, action, run_sync) or await second.ask(
            request, action, run_sync
        )

    def __invert__(self) -> Permission:
        first, second = self._parts
        return ~first & ~second

    def __repr__(self) -> str:
        return " | ".join(map(repr, self._parts))


class _Opposite(Permission):
    """What another permission does not let through."""

    def __init__(self, permission: Permission) -> None:
        self._permission = permission
        self.restricts = permission.restricts
        self.may_block = permission.may_block and not self.restricts
        self.is_awaited = permission.is_awaited and not self.restricts
        if len(self.restricts) > 1:
            raise DefinitionError(
                f"~{permission} would have to negate a scope and allows_object at once; "
                "write a Permission of its own"
            )

    def allows(self, request: Request, action: Action) -> bool:
        # Of one that tells rows apart the rest may remain, be it allowed or not.
        return bool(self.restricts) or not _allows(self._permission, request, action)

    def allows_object(self, request: Request, action: Action, row: Any) -> bool:
        if "rows" not in self.restricts:
            return True
        return not _allows_row(self._permission, request, action, row)

    def scope(self, request: Request, action: Action) -> Any:
        if "scope" not in self.restricts:
            return None
        # Where it allows nothing, its rows are none and the opposite is all.
        return JoinedScope("not", (_get_scope(self._permission, request, action),))

    async def ask(self, request: Request, action: Action, run_sync: RunSync) -> bool:
        return bool(self.restricts) or not await self._permission.ask(request, action, run_sync)

    def __invert__(self) -> Permission:
        return self._permission

    def __repr__(self) -> str:
        return f"~{self._permission}"


def to_permission(value: Any) -> Permission:
    """Return the permission that a permission, or a class of them, stands for.

    Raises:
        DefinitionError: It is neither, or a class that wants arguments.
    """
    if isinstance(value, Permission):
        return value
    if isinstance(value, type) and issubclass(value, Permission):
        try:
            return value()
        except TypeError:
            raise DefinitionError(
                f"Permission {value.__qualname__} takes arguments; make an object of it, "
                f"{value.__qualname__}(...)"
            ) from None
    raise DefinitionError(f"Expected a Permission, got {quoted(value)}{_get_hint(value)}")


def _get_hint(value: Any) -> str:
    """Return what to do about a value that is taken for a permission elsewhere."""
    if isinstance(value, list | tuple | set | frozenset):
        return "; join several by & or |"
    cls = value if isinstance(value, type) else type(value)
    is_of_drf = any(base.__module__.startswith("rest_framework.") for base in cls.__mro__)
    if is_of_drf or any(hasattr(value, name) for name in _ASKED_ELSEWHERE):
        return (
            "; permissions of Django REST Framework ask a view, these ask allows(request, action): "
            "use one of django_vortex, such as IsAuthenticated, or write a subclass of Permission"
        )
    return ""


def _allows(permission: Permission, request: Request, action: Action) -> bool:
    verdict = permission.allows(request, action)
    return verdict is True or bool(request.resolve(verdict))


def _allows_row(permission: Permission, request: Request, action: Action, row: Any) -> bool:
    """Return whether a permission allows an action at all, and to this row."""
    if not _allows(permission, request, action):
        return False
    return bool(request.resolve(permission.allows_object(request, action, row)))


def _get_scope(permission: Permission, request: Request, action: Action) -> Any:
    """Return the rows a permission lets through, none where it does not allow the action."""
    if not _allows(permission, request, action):
        return NO_ROWS
    return request.resolve(permission.scope(request, action))
