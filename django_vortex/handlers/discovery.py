"""Register the handler classes that the ``vortex.py`` of an app defines.

Takes the names of such modules once they are imported, creates an instance of each class that one
of them defines, and remembers the reason where that is not possible. A class of which the module
itself creates instances is left alone; so is one that says ``abstract = True`` in its own body.
"""

import inspect
import sys
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from django_vortex.exceptions import DefinitionError
from django_vortex.logs import get_limited_logger
from django_vortex.routing.lifetime import Site, constructed_at, get_site

logger = get_limited_logger(__name__)

_modules: dict[str, None] = {}
"""The modules whose classes register themselves, in the order of their apps."""

_sites: "WeakKeyDictionary[type[Any], Site]" = WeakKeyDictionary()
"""Where each class was defined."""

_constructed: "WeakSet[type[Any]]" = WeakSet()

_problems: "WeakKeyDictionary[type[Any], str]" = WeakKeyDictionary()


def note_class(cls: type[Any]) -> None:
    """Note a class of handlers, when it is defined.

    If its module has been imported before, it is run again: then what `register_classes` did for
    the class of that time is done for this one, before the next message is routed.
    """
    site = _sites[cls] = get_site()
    if site.module == cls.__module__ and any(_is_inside(site.module, one) for one in _modules):
        cls.payload_io.call_before_lookup(lambda: _register(cls))


def note_object(cls: type[Any]) -> None:
    """Note that a class has been instantiated."""
    _constructed.add(cls)


def is_constructed(cls: type[Any]) -> bool:
    """Return whether a class of handlers, or a subclass, has been instantiated."""
    return any(issubclass(one, cls) for one in _constructed)


def register_classes(modules: Iterable[str]) -> None:
    """Register the classes of modules, and of those inside of them, which have been imported."""
    for name in modules:
        _modules[name] = None
        for cls in find_classes(name):
            _register(cls)


def find_problems() -> dict[type[Any], str]:
    """Return the classes that could not be registered, with the reason of each."""
    return {
        cls: reason
        for cls, reason in _problems.items()
        if _is_current(cls) and not is_constructed(cls)
    }


def find_missing(cls: type[Any]) -> list[str]:
    """Return the attributes and methods that a class lacks to be instantiated."""
    missing = [name for name in cls._required if not _is_set(inspect.getattr_static(cls, name))]
    return [*missing, *sorted(getattr(cls, "__abstractmethods__", ()))]


def is_abstract(cls: type[Any]) -> bool:
    """Return whether a class says ``abstract = True`` in its own body."""
    return vars(cls).get("abstract") is True


def find_classes(module: str) -> list[type[Any]]:
    """Return the classes that a module, or one inside of it, defines under their own names."""
    return [cls for cls in _sites if _is_inside(cls.__module__, module) and _is_current(cls)]


def _is_current(cls: type[Any]) -> bool:
    """Return whether the body of a module has defined a class, which is still its own."""
    is_of_body = _sites[cls].module == cls.__module__
    return is_of_body and getattr(sys.modules.get(cls.__module__), cls.__name__, None) is cls


def _is_inside(module: str, outer: str) -> bool:
    return module == outer or module.startswith(f"{outer}.")


def _register(cls: type[Any]) -> None:
    """Make an object of a class, which counts as made where the class is defined."""
    if is_abstract(cls) or cls in _constructed or not _is_current(cls):
        return
    missing = find_missing(cls)
    if missing:
        if len(missing) < len(cls._required) + len(getattr(cls, "__abstractmethods__", ())):
            _problems[cls] = f"it has no {' and no '.join(missing)}"
        return
    try:
        with constructed_at(_sites[cls]):
            cls()
    except Exception as error:  # whatever code of the application raises
        _problems[cls] = str(error) or type(error).__name__
        _withdraw(cls)
        # What is wrong with a definition says itself where that is.
        traceback = None if isinstance(error, DefinitionError) else error
        named = f"{cls.__module__}.{cls.__qualname__}"
        logger.error("%s is not registered: %s", named, _problems[cls], exc_info=traceback)


def _withdraw(cls: type[Any]) -> None:
    """Unregister an object whose constructor has failed after it was registered."""
    for endpoint in cls.payload_io.endpoints:
        if type(getattr(endpoint.handler, "__self__", None)) is cls:
            cls.payload_io.remove(endpoint)
    _constructed.discard(cls)


def _is_set(value: Any) -> bool:
    return value is not None and value != {}
