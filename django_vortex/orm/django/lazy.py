"""Lazy values of Django: text that is translated when it is used, objects loaded when they are.

Takes a registry, lets it know what such values stand for. Text travels in the language that is
active where it is encoded.
"""

from typing import Any

from django.core.exceptions import SynchronousOnlyOperation
from django.utils.functional import empty

from django_vortex.exceptions import LoadsOnLoop
from django_vortex.tuples import TupleRegistry


def install(registry: TupleRegistry) -> None:
    """Let lazy values travel as what they stand for."""
    registry.stand_ins.add("django.utils.functional.Promise", _make)
    registry.stand_ins.add("django.utils.functional.LazyObject", _load)


def _make(value: Any) -> object:
    """Call the function of a ``lazy()``, as Django itself does before it stores one."""
    return value._proxy____cast()


def _load(value: Any) -> object:
    try:
        if value._wrapped is empty:
            value._setup()
    except SynchronousOnlyOperation as error:
        text = f"A {type(value).__qualname__} would be loaded on the event loop; load it before"
        raise LoadsOnLoop(text) from error
    found: object = value._wrapped
    return found
