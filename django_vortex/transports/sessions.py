"""User and session of a WebSocket, from the cookies of its handshake.

Takes a scope, gives it back with ``cookies``, ``session`` and ``user``, as Channels'
``AuthMiddlewareStack`` does. That one works in the single thread-sensitive thread of the process,
where it waits behind whatever blocks there; here it is a pool of its own, and a visitor without
a session cookie costs no thread at all.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.http import parse_cookie

from django_vortex.transports.asgi_types import Application, Receive, Scope, Send
from django_vortex.typedefs import RunSync


@dataclass(slots=True)
class _Holder:
    """What `django.contrib.auth.get_user` wants of a request."""

    session: Any


class SessionMiddleware:
    """An ASGI middleware that finds out who a WebSocket belongs to.

    What an outer middleware has found is left as it is.

    Args:
        inner: The application that wants to know.
        run_sync: Where the database may be asked.
    """

    def __init__(self, inner: Application, run_sync: RunSync) -> None:
        self._inner = inner
        self._run_sync = run_sync

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        scope.setdefault("cookies", _find_cookies(scope))
        if "session" not in scope and apps.is_installed("django.contrib.sessions"):
            await self._find_session(scope)
        await self._inner(scope, receive, send)

    async def _find_session(self, scope: Scope) -> None:
        session_key = scope["cookies"].get(settings.SESSION_COOKIE_NAME)
        store = import_module(settings.SESSION_ENGINE).SessionStore
        has_users = apps.is_installed("django.contrib.auth") and "user" not in scope
        scope["session"] = store(session_key)
        if session_key:
            user = await self._run_sync(lambda: _load(scope["session"], has_users))
        else:
            user = _anonymous() if has_users else None
        if has_users:
            scope["user"] = user


def _load(session: Any, has_users: bool) -> Any:
    """Read the session, which forgets a key that there is no session for, and its user."""
    session.is_empty()
    session.get("")  # loads
    if not has_users:
        return None
    from django.contrib.auth import get_user

    user = get_user(_Holder(session))  # type: ignore[arg-type]  # it only asks for the session
    if session.modified and not session.is_empty():
        session.save()  # a new key, after a change of SECRET_KEY
    return user


def _anonymous() -> Any:
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()


def _find_cookies(scope: Scope) -> dict[str, str]:
    for name, value in scope.get("headers", ()):
        if name == b"cookie":
            return parse_cookie(value.decode("latin-1"))
    return {}
