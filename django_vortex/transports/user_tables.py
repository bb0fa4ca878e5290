"""The users of a project, if it has any: its model, nobody, and users reloaded in bulk.

With users come the permissions of those whose permissions were used.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db import router

PERMISSION_CACHES: Final = ("_perm_cache", "_user_perm_cache", "_group_perm_cache")
"""Where Django's backend keeps on a user what it has read of its permissions."""


def has_users() -> bool:
    """Return whether the project has Django's users."""
    return apps.is_installed("django.contrib.auth")


def find_user_model() -> Any:
    """Return the project's user model, None if it has no users."""
    if not has_users():
        return None
    from django.contrib.auth import get_user_model

    return get_user_model()


def make_nobody() -> Any:
    """Return the user of who has not logged in, None if the project has no users."""
    if not has_users():
        return None
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()


def is_of_user_table(user: Any) -> bool:
    """Return whether somebody is a user of the project's user model."""
    from django.contrib.auth import get_user_model

    return isinstance(user, get_user_model())


def is_in_user_table(path: str) -> bool:
    """Return whether a backend finds users in the user table by key, as Django's do."""
    from django.contrib.auth import load_backend
    from django.contrib.auth.backends import AllowAllUsersModelBackend, ModelBackend

    backend: Any = type(load_backend(path))
    return getattr(backend, "get_user", None) is ModelBackend.get_user and (
        backend.user_can_authenticate
        in (ModelBackend.user_can_authenticate, AllowAllUsersModelBackend.user_can_authenticate)
    )


def may_log_in(path: str, user: Any) -> bool:
    """Return whether a backend of the user table lets a user in; without one the active are."""
    from django.contrib.auth import load_backend

    if not path:
        return bool(getattr(user, "is_active", True))
    backend: Any = load_backend(path)
    return bool(backend.user_can_authenticate(user))


def read_users(pks: Iterable[Any]) -> dict[Any, Any]:
    """Return the users that there are, by primary key, as fresh as the database has them."""
    from django.contrib.auth import get_user_model

    model = get_user_model()
    manager = model._default_manager.using(router.db_for_write(model))
    return dict(manager.in_bulk(list(pks)))


def renew_permissions(known: Iterable[Any], fresh: Mapping[Any, Any]) -> None:
    """Read permissions anew for users whose old objects had them, so that nobody asks one by one.

    Args:
        known: The old objects.
        fresh: The new ones by primary key; others than these ask when somebody wants to know.
    """
    users = [
        fresh[user.pk]
        for user in known
        if user.pk in fresh
        and not fresh[user.pk].is_superuser
        and any(name in vars(user) for name in PERMISSION_CACHES)
    ]
    if not users:
        return
    own = _read_permissions(users, "user_permissions")
    of_groups = _read_permissions(users, "groups__permissions")
    for user in users:
        user._user_perm_cache = own[user.pk]
        user._group_perm_cache = of_groups[user.pk]
        user._perm_cache = own[user.pk] | of_groups[user.pk]


def has_django_permissions() -> bool:
    """Return whether all permissions come from Django's tables, as its backend reads them."""
    from django.contrib.auth import get_user_model, load_backend
    from django.contrib.auth.backends import ModelBackend
    from django.contrib.auth.models import PermissionsMixin

    backends: list[Any] = [type(load_backend(path)) for path in settings.AUTHENTICATION_BACKENDS]
    return issubclass(get_user_model(), PermissionsMixin) and all(
        getattr(backend, name, None) is getattr(ModelBackend, name)
        for backend in backends
        for name in (
            *("get_all_permissions", "get_user_permissions", "get_group_permissions"),
            *("_get_permissions", "_get_user_permissions", "_get_group_permissions"),
        )
    )


def _read_permissions(users: Iterable[Any], relation: str) -> dict[Any, set[str]]:
    from django.contrib.auth import get_user_model

    model = get_user_model()
    names = (f"{relation}__content_type__app_label", f"{relation}__codename")
    rows = (
        model._base_manager.using(router.db_for_write(model))
        .filter(pk__in=[user.pk for user in users], **{f"{relation}__isnull": False})
        .order_by()
        .values_list("pk", *names)
        .distinct()
    )
    found: dict[Any, set[str]] = defaultdict(set)
    for pk, app_label, codename in rows:
        found[pk].add(f"{app_label}.{codename}")
    return found
