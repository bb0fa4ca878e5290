"""Import and check the functions that the setting ``AUTHENTICATE`` names."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from django.utils.module_loading import import_string

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.transports.authentication import (
    ProxyHeader,
    bearer_token,
    proxy_header,
    require_one_argument,
    session_cookie,
)
from django_vortex.transports.rest_framework import (
    RestFrameworkAuthentication,
    get_problem,
    is_authentication_class,
)

Authenticator: TypeAlias = Callable[[Any], Any]
"""From a scope to a user, a `Login` or None, or an awaitable of one."""

Entry: TypeAlias = str | Callable[..., Any]
"""What the setting lists."""


class AuthenticateProblem(Exception):
    """What is wrong with an entry of the setting, and what to do about it.

    Args:
        text: One line, capital first, no full stop.
        hint: A sentence.
    """

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(f"{text}. {hint}")
        self.text = text
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Authenticators:
    """The functions of the setting.

    Attributes:
        functions: Those to try, in order.
        for_bearer: Those to try with a bearer token that none of them has taken.
        challenge: For the header ``WWW-Authenticate``.
    """

    functions: tuple[Authenticator, ...]
    for_bearer: tuple[Authenticator, ...]
    challenge: str

    @property
    def reads_sessions_only(self) -> bool:
        """Whether nothing but Django's session says who somebody is."""
        return all(one is session_cookie for one in self.functions)


@lru_cache(maxsize=16)
def load_authenticators(entries: tuple[Entry, ...]) -> Authenticators:
    """Import the functions of the setting.

    Raises:
        AuthenticateProblem: An entry is not an authentication function; the first one is told.
    """
    functions = tuple(load_authenticator(entry) for entry in entries)
    challenges = (getattr(one, "challenge", "") for one in functions)
    return Authenticators(
        functions,
        tuple(
            bearer
            for one in functions
            if isinstance(one, RestFrameworkAuthentication) and (bearer := one.as_bearer)
        ),
        ", ".join(dict.fromkeys(one for one in challenges if one)) or "Bearer",
    )


def load_authenticator(entry: Entry) -> Authenticator:
    """Import the function of one entry.

    Raises:
        AuthenticateProblem: The entry is not an authentication function.
    """
    shown = quoted(entry)
    value: Any = entry
    if isinstance(entry, str):
        try:
            value = import_string(entry)
        except ImportError as error:
            hint = "It is the dotted path of a function, such as 'board.tokens.find_user'."
            raise AuthenticateProblem(f"{shown} cannot be imported: {error}", hint) from error
    if value in (bearer_token, proxy_header):
        hint = "Put it on a function of the project and name that function."
        raise AuthenticateProblem(f"{shown} is a decorator", hint)
    if is_authentication_class(value):
        problem = get_problem(value)
        if problem is not None:
            raise AuthenticateProblem(f"{shown} {problem[0]}", problem[1])
        return RestFrameworkAuthentication(value)
    if isinstance(value, type):
        hint = (
            "Name a function that takes the ASGI scope, or an authentication class of Django REST "
            "framework. Backends that check passwords are named in AUTHENTICATION_BACKENDS."
        )
        raise AuthenticateProblem(f"{shown} is a class, no function", hint)
    try:
        require_one_argument(value, "AUTHENTICATE", "the ASGI scope")
    except DefinitionError as error:
        hint = (
            "For a function that takes a token there is the decorator django_vortex.bearer_token."
        )
        raise AuthenticateProblem(f"{shown} cannot be called: {error}", hint) from None
    function: Authenticator = value
    return function


def find_authenticate_problems(
    entries: tuple[Entry, ...], trusted_proxies: int | tuple[str, ...]
) -> list[AuthenticateProblem]:
    """Return everything that is wrong with the setting.

    Args:
        entries: Of the setting.
        trusted_proxies: The setting ``TRUSTED_PROXIES``.
    """
    problems: list[AuthenticateProblem] = []
    for entry in entries:
        try:
            function = load_authenticator(entry)
        except AuthenticateProblem as problem:
            problems.append(problem)
            continue
        if isinstance(function, ProxyHeader) and not isinstance(trusted_proxies, tuple):
            text = (
                f"{quoted(entry)} reads a header of proxies, and TRUSTED_PROXIES does not list any"
            )
            hint = "List their addresses: VORTEX['TRUSTED_PROXIES'] = ['10.0.0.7'], or ['unix']."
            problems.append(AuthenticateProblem(text, hint))
    return problems
