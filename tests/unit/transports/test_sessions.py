from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from django.contrib.auth import get_user_model, login
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest

from django_vortex.transports.sessions import load_session

T = TypeVar("T")


class RunSync:
    """Runs functions at once, in the thread that has the test's transaction, and counts them."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, function: Callable[[], T], /) -> T:
        self.calls += 1
        return function()


def make_scope(cookie: str = "") -> dict[str, Any]:
    headers = [(b"cookie", f"other=1; {cookie}".encode())] if cookie else []
    return {"type": "websocket", "headers": headers}


def find(scope: dict[str, Any]) -> RunSync:
    """Run `load_session` without a loop: nothing in it may wait for anything but the database."""
    run_sync = RunSync()
    with pytest.raises(StopIteration):
        load_session(scope, run_sync).send(None)  # type: ignore[attr-defined]
    return run_sync


@pytest.mark.django_db
def test_user_of_the_session_cookie_is_found() -> None:
    request = HttpRequest()
    request.session = SessionStore()
    user = get_user_model().objects.create_user("anna")
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    scope = make_scope(f"sessionid={request.session.session_key}")
    find(scope)
    assert scope["user"] == user
    assert scope["session"].session_key == request.session.session_key


def log_in(user: Any) -> str:
    request = HttpRequest()
    request.session = SessionStore()
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    return str(request.session.session_key)


@pytest.mark.django_db
def test_session_of_a_password_that_has_changed_is_nobodys_and_given_to_nobody() -> None:
    user = get_user_model().objects.create_user("anna", password="x")
    key = log_in(user)
    user.set_password("y")
    user.save()
    scope = make_scope(f"sessionid={key}")
    find(scope)
    assert not scope["user"].is_authenticated
    assert scope["session"].session_key is None
    assert Session.objects.filter(pk=key).exists()


@pytest.mark.django_db
def test_session_signed_with_a_former_key_keeps_its_own_for_nobody_hears_of_another(
    settings: Any,
) -> None:
    user = get_user_model().objects.create_user("anna", password="x")
    key = log_in(user)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    scope = make_scope(f"sessionid={key}")
    find(scope)
    assert scope["user"] == user
    assert scope["session"].session_key == key
    assert Session.objects.get().pk == key


@pytest.mark.django_db
def test_inactive_user_is_nobody() -> None:
    user = get_user_model().objects.create_user("anna")
    key = log_in(user)
    get_user_model().objects.update(is_active=False)
    scope = make_scope(f"sessionid={key}")
    find(scope)
    assert not scope["user"].is_authenticated


@pytest.mark.django_db
def test_made_up_session_key_is_nobodys() -> None:
    scope = make_scope("sessionid=madeup")
    find(scope)
    assert not scope["user"].is_authenticated
    assert scope["session"].session_key is None


def test_visitor_without_a_cookie_costs_no_thread_and_no_query() -> None:
    scope = make_scope()
    assert find(scope).calls == 0
    assert not scope["user"].is_authenticated
    assert scope["session"].session_key is None


def test_what_an_outer_middleware_found_is_kept() -> None:
    scope = {**make_scope("sessionid=x"), "session": "theirs", "user": "somebody"}
    assert find(scope).calls == 0
    assert (scope["session"], scope["user"]) == ("theirs", "somebody")


@pytest.mark.django_db
def test_user_that_an_outer_middleware_found_is_kept() -> None:
    scope = {**make_scope("sessionid=x"), "user": "somebody"}
    find(scope)
    assert scope["user"] == "somebody"
    assert scope["session"] is not None


def test_project_without_sessions_has_none(settings: Any) -> None:
    settings.INSTALLED_APPS = ["django_vortex"]
    scope = make_scope("sessionid=x")
    assert find(scope).calls == 0
    assert "session" not in scope
