"""Options of handlers: attributes of their classes, which keywords of a constructor override.

Takes classes and keywords, gives errors that name the class and the attribute. The options of a
kind of handler are the annotated attributes of its class in this package.
"""

import collections.abc
import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType, NoneType, UnionType
from typing import Any, ClassVar, Final, Literal, Union, get_args, get_origin, get_type_hints

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.routing.permission import to_permission
from django_vortex.routing.rates import read_rates

_PACKAGE = __name__.partition(".")[0]

_HOOKS: Final = ("build_model", "get_queryset", "pre_process", "post_process")
"""Methods that subclasses define."""

_SIMILAR: Final = 0.8
"""Two words as near as this differ by a slip."""

_ELSEWHERE: Final = {
    "Meta": ("filt", "write abstract = True and options as attributes of the class itself"),
    "exclude": ("fields", "name the fields that travel as fields"),
    "filter_backends": ("filters", "name what peers may filter by as filters"),
    "filterset_fields": ("filters", "name what peers may filter by as filters"),
    "list_filter": ("filters", "name what peers may filter by as filters"),
    "list_per_page": ("page_size", "write page_size"),
    "ordering_fields": ("ordering", "name what peers may order by as ordering"),
    "pagination_class": ("page_size", "write page_size"),
    "permission_classes": (
        "permission",
        "write permission = IsAuthenticated, or other permissions of django_vortex joined by & "
        "and |",
    ),
    "queryset": ("get_queryset", "define get_queryset(self, request)"),
    "serializer_class": ("fields", "name the fields that travel as fields"),
    "throttle_classes": ("throttle", 'write throttle = "60/m"'),
}
"""Attributes of other frameworks, which would count for nothing here: what has the option that
stands for one, and what to do instead.
"""

_CHECKS: Final[Mapping[str, Callable[[Any], object]]] = {
    "permission": to_permission,
    "throttle": read_rates,
}
"""What looks at a value, apart from its type."""


def check_class(cls: type[Any]) -> None:
    """Check the options of an application's subclass.

    Plain functions, such as a ``session_factory`` or a ``get_queryset`` that takes the request, do
    not become methods.

    Raises:
        DefinitionError: An attribute looks like a misspelt option, or has a wrong value. The text
            names the class and the attribute.
    """
    if _is_ours(cls):
        return
    base, named = _get_base(cls), f"{cls.__module__}.{cls.__qualname__}"
    options = find_options(base)
    for name, value in _find_members(cls).items():
        is_known = name in options or name in _HOOKS
        if is_known and _is_of_no_object(value):
            setattr(cls, name, staticmethod(value))
        if name in options:
            if isinstance(value, staticmethod):
                value = value.__func__
            if hasattr(value, "__get__") and not isinstance(value, type | FunctionType):
                continue  # a property: its value is known when an object is made
            _check_value(named, name, value, options[name])
        elif not hasattr(base, name):
            hint = _get_hint(name, base)
            if hint:
                raise DefinitionError(f"{named}.{name} counts for nothing{hint}")


def set_options(handler: Any, keywords: Mapping[str, Any]) -> None:
    """Let keywords of a constructor override attributes; None leaves the attribute.

    Raises:
        DefinitionError: There is no such option, or its value is wrong.
    """
    cls = type(handler)
    base, named = _get_base(cls), cls.__qualname__
    options = find_options(base)
    for name, value in keywords.items():
        is_hook = name in _HOOKS and hasattr(base, name)
        if name not in options and not is_hook:
            hint = _get_hint(name, base) or f". There are: {', '.join(sorted(options))}"
            raise DefinitionError(f"{named} takes no {quoted(name)}{hint}")
        if value is not None:
            _check_value(named, name, value, options.get(name, Callable))
            setattr(handler, name, value)
    read_key(handler, named, keywords)


def read_key(owner: Any, named: str, given: Mapping[str, Any]) -> None:
    """Set the filt of a handler, or of a class of them, that names a key instead.

    Args:
        owner: The handler or the class.
        named: What errors call it.
        given: What was given for it alone, not inherited.

    Raises:
        DefinitionError: Both are given, and are not the same.
    """
    key = given.get("key")
    if key is None:
        return
    filt = {"key": key}
    if given.get("filt") is not None and given["filt"] != filt:
        raise DefinitionError(
            f"{named} has both a key, {quoted(key)}, and another filt, {quoted(given['filt'])}"
        )
    owner.filt = filt


def find_options(base: type[Any]) -> dict[str, Any]:
    """Return the options of a class of this package, each with the type of its value."""
    return {
        name: hint
        for name, hint in get_type_hints(base).items()
        if not name.startswith("_") and get_origin(hint) is not ClassVar
    }


def _get_base(cls: type[Any]) -> type[Any]:
    return next(one for one in cls.__mro__ if _is_ours(one))


def _is_ours(cls: type[Any]) -> bool:
    return cls.__module__.partition(".")[0] == _PACKAGE


def _find_members(cls: type[Any]) -> dict[str, Any]:
    """Return what a class and its mixins define, apart from what Python and this package do."""
    members: dict[str, Any] = {}
    for one in cls.__mro__:
        if one is not object and not _is_ours(one):
            members = {**vars(one), **members}
    return {name: value for name, value in members.items() if not name.startswith("_")}


def _is_of_no_object(value: Any) -> bool:
    """Return whether a function would be given an object that it does not take.

    One that the body of a class does not define takes an object only if it says ``self``.
    """
    if not isinstance(value, FunctionType):
        return False
    parameters = list(inspect.signature(value).parameters)
    outer = value.__qualname__.rpartition(".")[0]
    is_of_class = bool(outer) and not outer.endswith("<locals>")
    return not parameters or (not is_of_class and parameters[0] != "self")


def _check_value(named: str, name: str, value: Any, hint: Any) -> None:
    if not _fits(value, hint):
        raise DefinitionError(f"{named}.{name} is {_describe(hint)}, got {quoted(value)}")
    check = _CHECKS.get(name)
    if check is not None and value is not None:
        try:
            check(value)
        except DefinitionError as error:
            raise DefinitionError(f"{named}.{name}: {error}") from error


def _get_hint(name: str, base: type[Any]) -> str:
    option, advice = _ELSEWHERE.get(name, ("", ""))
    if option and hasattr(base, option):
        return f" in django_vortex; {advice}"
    known = [*find_options(base), *(hook for hook in _HOOKS if hasattr(base, hook)), "abstract"]
    near = difflib.get_close_matches(name, known, 1, _SIMILAR)
    return f". Did you mean {near[0]!r}?" if near else ""


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value is of a type, as far as that can be seen without using it up."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any or hint is object:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return any(value is one or (isinstance(one, str) and value == one) for one in inner)
    if origin in (collections.abc.Sequence, collections.abc.Iterable):
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
            return False
        return not isinstance(value, list | tuple) or all(_fits(one, inner[0]) for one in value)
    if collections.abc.Callable in (origin, hint):
        return callable(value)
    wanted = origin or hint
    if not isinstance(wanted, type):
        return True
    if wanted is int and isinstance(value, bool):
        return False
    return isinstance(value, wanted)


_WORDS: Final = {
    bool: ["True", "False"],
    dict: ["a dict"],
    int: ["an integer"],
    str: ["a string"],
    NoneType: ["None"],
    collections.abc.Callable: ["a function"],
    collections.abc.Iterable: ["a list"],
    collections.abc.Mapping: ["a dict"],
    collections.abc.Sequence: ["a list"],
}


def _describe(hint: Any) -> str:
    """Return what values a type has, as text."""
    *words, last = dict.fromkeys(_find_words(hint))
    return f"{', '.join(words)} or {last}" if words else last


def _find_words(hint: Any) -> list[str]:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return [word for one in inner for word in _find_words(one)]
    if origin is Literal:
        return [repr(one) for one in inner]
    if inner and inner[0] is str and origin in (collections.abc.Sequence, collections.abc.Iterable):
        return ["a list of names"]
    wanted = origin or hint
    return _WORDS.get(wanted) or [f"a {getattr(wanted, '__name__', wanted)}"]
