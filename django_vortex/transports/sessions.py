"""User and session of a WebSocket, from the cookies of its handshake.

Takes a scope, adds ``session`` and ``user`` to it, as Channels' ``AuthMiddlewareStack`` does; the
cookies stay where they are, among the headers. That middleware works in the single thread-sensitive
thread of the process, where it waits for whatever blocks there. This module uses a thread pool of
its own, and no thread at all for a visitor without a session cookie.
"""

from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.http import parse_cookie

from django_vortex.transports import user_tables
from django_vortex.transports.asgi_types import Scope
from django_vortex.transports.session_login import SessionLogin, ask_backend
from django_vortex.typedefs import RunSync


def may_show_session(scope: Scope) -> bool:
    """Return whether a request may have a session cookie, for which the database is asked."""
    return settings.SESSION_COOKIE_NAME in _get_cookie_header(scope)


async def load_session(scope: Scope, run_sync: RunSync) -> None:
    """Load the session and the user of a WebSocket into its scope.

    What an outer middleware has put there is left as it is.

    Args:
        scope: Of the handshake.
        run_sync: Where the database may be asked.
    """
    if "session" in scope or not apps.is_installed("django.contrib.sessions"):
        return
    session_key = parse_cookie(_get_cookie_header(scope)).get(settings.SESSION_COOKIE_NAME)
    store = import_module(settings.SESSION_ENGINE).SessionStore
    has_users = user_tables.has_users() and "user" not in scope
    session = scope["session"] = store(session_key)
    if session_key:
        user, scope["session"] = await run_sync(lambda: _load(session, has_users))
    else:
        user = user_tables.make_nobody() if has_users else None
    if has_users:
        scope["user"] = user


def _load(session: Any, has_users: bool) -> tuple[Any, Any]:
    """Read a session, which forgets a key that there is no session for; return its user, and it.

    The session of a password that has changed is not given to anybody: Django would end it.
    """
    data = dict(session.items())
    if not has_users:
        return None, session
    login = SessionLogin.read(data)
    user = None if login is None else ask_backend(login.backend, login.pk)
    if login is not None and user is not None and not login.fits(user):
        return user_tables.make_nobody(), session.__class__()
    return user or user_tables.make_nobody(), session


def _get_cookie_header(scope: Scope) -> str:
    return next((v.decode("latin-1") for n, v in scope.get("headers", ()) if n == b"cookie"), "")
