"""Which entries of ``VORTEX["AUTHENTICATE"]`` are functions, and what is said of the others."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.authentication import SessionAuthentication, TokenAuthentication

from django_vortex.transports.authentication import bearer_token, proxy_header, session_cookie
from django_vortex.transports.authenticators import (
    AuthenticateProblem,
    find_authenticate_problems,
    load_authenticators,
)

REST = "rest_framework.authentication"


def find_user(token: str) -> Any:
    return None


def of_scope(scope: Any, option: int = 1) -> Any:
    return None


def of_two(scope: Any, receive: Any) -> Any:
    return None


by_token = bearer_token(find_user)
by_certificate = proxy_header("X-Client-Subject")(find_user)
NO_FUNCTION = "text"


def test_functions_are_named_or_given() -> None:
    found = load_authenticators(
        ("django_vortex.session_cookie", f"{__name__}.by_token", of_scope, by_certificate)
    )
    assert found.functions == (session_cookie, by_token, of_scope, by_certificate)
    assert found.challenge == "Bearer"
    assert not found.reads_sessions_only
    assert load_authenticators((session_cookie,)).reads_sessions_only


def test_classes_of_rest_framework_are_functions(settings: Any) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "rest_framework.authtoken"]
    found = load_authenticators((by_token, TokenAuthentication))
    assert found.challenge == "Bearer, Token"
    assert len(found.for_bearer) == 1
    assert not load_authenticators((f"{REST}.BasicAuthentication",)).for_bearer


@pytest.mark.parametrize(
    ("entry", "text", "hint"),
    [
        ("board.tokens.find_user", "cannot be imported: No module named 'board'", "dotted path"),
        (f"{__name__}.gone", "cannot be imported: Module", "dotted path"),
        (f"{__name__}.NO_FUNCTION", "expects a function, got 'text'", "bearer_token"),
        (of_two, "cannot be called: AUTHENTICATE expects a function of one argument", "token"),
        (lambda: None, "expects a function of one argument, the ASGI scope", "token"),
        ("django_vortex.bearer_token", "is a decorator", "Put it on a function"),
        (proxy_header, "is a decorator", "Put it on a function"),
        ("django.contrib.auth.backends.ModelBackend", "is a class", "AUTHENTICATION_BACKENDS"),
        (SessionAuthentication, "CSRF", "django_vortex.session_cookie"),
        (TokenAuthentication, "has no model", "rest_framework.authtoken"),
    ],
)
def test_entries_that_tell_nobody_are_explained(
    entry: str | Callable[..., Any], text: str, hint: str
) -> None:
    (problem,) = find_authenticate_problems(("django_vortex.session_cookie", entry), 0)
    assert text in problem.text
    assert hint in problem.hint
    with pytest.raises(AuthenticateProblem):
        load_authenticators((entry,))


def test_header_of_proxies_needs_their_addresses() -> None:
    for proxies in (0, 1):
        (problem,) = find_authenticate_problems((by_certificate,), proxies)
        assert "TRUSTED_PROXIES" in problem.hint
    assert not find_authenticate_problems((by_certificate,), ("unix",))
