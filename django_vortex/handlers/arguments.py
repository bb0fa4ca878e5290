"""The arguments of a query: keyword-only parameters, read from the filt of a request.

Takes a function and looks at it once, gives the keywords to call it with for a filt. Whatever else
a filt has is an error, by name, apart from what messages carry for themselves.
"""

import enum
import inspect
from collections.abc import Callable, Mapping, Set
from typing import Any, Final, NamedTuple, get_type_hints

from django_vortex.exceptions import (
    DefinitionError,
    ValidationError,
    WireError,
    did_you_mean,
    quoted,
    with_path,
)
from django_vortex.handlers.argument_types import Reading, make_reading
from django_vortex.tuples import TupleRegistry
from django_vortex.typedefs import Filt
from django_vortex.wire.reserved import MESSAGE_ID

CARRIED_KEYS: Final = frozenset({"key", MESSAGE_ID, "rapuiServerEcho", "rapuiClientEcho"})
"""Keys that the filts of messages may have beside arguments (PROTOCOL 8)."""

REQUIRED: Final = inspect.Parameter.empty
"""The default of an argument that has none."""

_POSITIONAL: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


class Argument(NamedTuple):
    """One argument.

    Attributes:
        reading: How its values are read.
        default: What holds without it, `REQUIRED` if it may not be left out.
    """

    reading: Reading
    default: Any

    @property
    def is_required(self) -> bool:
        """Whether it may not be left out."""
        return self.default is REQUIRED


class Arguments:
    """The arguments of one function.

    Args:
        function: Takes the request and keywords.
        registry: Knows which tuples travel.
        where: How errors call the function.

    Raises:
        DefinitionError: It takes anything else, or an argument of a type that does not travel.
    """

    def __init__(self, function: Callable[..., Any], registry: TupleRegistry, where: str) -> None:
        self._arguments = _find_arguments(function, registry, where)
        self._required = frozenset(name for name, one in self._arguments.items() if one.is_required)
        self._defaults = {
            name: one.default for name, one in self._arguments.items() if not one.is_required
        }

    @property
    def names(self) -> Set[str]:
        """The names of all of them."""
        return self._arguments.keys()

    def complete(self, keywords: Mapping[str, Any]) -> dict[str, Any]:
        """Return keywords with the defaults of those that are missing."""
        return {**self._defaults, **keywords}

    def write(self, keywords: Mapping[str, Any]) -> dict[str, Any]:
        """Return the members of a filt of our own dialect that mean keywords."""
        return {name: _write(value) for name, value in keywords.items()}

    def read(
        self, filt: Filt, *, is_native: bool = True, is_partial: bool = False
    ) -> dict[str, Any]:
        """Return the keywords that a filt means.

        Args:
            filt: Of a request, or another with the same members.
            is_native: Whether who has written it can write all types.
            is_partial: Whether arguments may be missing that have no default.

        Raises:
            ValidationError: Arguments are missing or wrong, or there are no such.
        """
        known = self._arguments
        keywords: dict[str, Any] = {}
        problems: dict[str, str] = {}
        for name, value in filt.items():
            argument = known.get(name)
            if argument is None:
                if name not in CARRIED_KEYS:
                    problems[str(name)] = f"There is no such argument{did_you_mean(name, known)}"
            elif value.__class__ is argument.reading.kind:
                keywords[name] = value
            else:
                reading = argument.reading
                try:
                    keywords[name] = (reading.read if is_native else reading.read_released)(value)
                except WireError as error:
                    place = f"{name}{error.path}" if error.path else ""
                    problems[name] = with_path(error.text, place) if place else error.text
        if not is_partial and not self._required <= keywords.keys():
            for name in self._arguments:
                if name in self._required and name not in keywords:
                    problems.setdefault(name, "It is required")
        if problems:
            raise _make_error(problems)
        return keywords


def _make_error(problems: dict[str, str]) -> ValidationError:
    return ValidationError(
        "; ".join(f"Argument {quoted(name)}: {text}" for name, text in problems.items()),
        {name: [text] for name, text in problems.items()},
    )


def _find_arguments(
    function: Callable[..., Any], registry: TupleRegistry, where: str
) -> dict[str, Argument]:
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or parameters[0].kind not in _POSITIONAL:
        raise DefinitionError(f"{where} takes the request as its first argument, before `*`")
    try:
        hints = get_type_hints(function)
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise DefinitionError(f"{where} has an annotation that cannot be read: {error}") from error
    found: dict[str, Argument] = {}
    for parameter in parameters[1:]:
        name = parameter.name
        _check_parameter(parameter, where)
        if name not in hints:
            raise DefinitionError(f"{where} needs the type of {name!r}, as in {name}: str")
        try:
            reading = make_reading(hints[name], registry)
        except DefinitionError as error:
            raise DefinitionError(f"{where}: {name!r} {error}") from error
        found[name] = Argument(reading, parameter.default)
    return found


def _check_parameter(parameter: inspect.Parameter, where: str) -> None:
    name = parameter.name
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise DefinitionError(f"{where} takes any arguments ({parameter}): declare each of them")
    if parameter.kind is not parameter.KEYWORD_ONLY:
        raise DefinitionError(
            f"{where}: clients name arguments, so put {name!r} after `*`: (request, *, {name})"
        )
    if name == "key" or name.startswith("_") or _is_number(name):
        raise DefinitionError(
            f"{where}: no argument can be called {name!r}, which does not arrive under this name"
        )


def _write(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    return [_write(one) for one in value] if value.__class__ is list else value


def _is_number(name: str) -> bool:
    """Return whether a key of this name arrives as a number from released clients."""
    try:
        float(name)
    except ValueError:
        return False
    return True
