"""The private parts of Django that capture holds on to: `find_missing`."""

import django
from django.db.backends.base.base import BaseDatabaseWrapper

from django_vortex.orm.django.commits import METHODS
from django_vortex.orm.django.read_hooks import HOOK, SETUP
from django_vortex.orm.django.write_hooks import HOOKS, LATER_HOOKS


def find_missing() -> list[str]:
    """Return what the installed version of Django does not have, by dotted names."""
    expected = [*HOOKS, HOOK, SETUP, *(LATER_HOOKS if django.VERSION >= (6, 0) else ())]
    expected += [(BaseDatabaseWrapper, name) for name in METHODS]
    return [f"{cls.__name__}.{name}" for cls, name in expected if not hasattr(cls, name)]
