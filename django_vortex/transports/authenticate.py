"""Authenticate requests of both transports with the functions of ``VORTEX["AUTHENTICATE"]``.

Takes a scope, gives the user and the session that the functions find, and stores in the scope how
to check them again later. Invalid credentials are refused.
"""

import asyncio
import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from django_vortex.conf import get_settings
from django_vortex.exceptions import InvalidCredentials, RefusedError
from django_vortex.logs import get_limited_logger
from django_vortex.routing.peer import Peer
from django_vortex.server.identity import Identity
from django_vortex.transports import hub
from django_vortex.transports.asgi_types import Scope
from django_vortex.transports.authentication import (
    CONNECTED_KEY,
    REQUEST_KEY,
    Found,
    call,
    session_cookie,
)
from django_vortex.transports.authenticators import (
    Authenticator,
    Authenticators,
    load_authenticators,
)
from django_vortex.transports.credentials import (
    AMBIENT_SCHEMES,
    describe_error,
    find_schemes,
    redact,
)
from django_vortex.transports.flow import SCOPE_KEY as FLOW_KEY
from django_vortex.transports.flow import Flow
from django_vortex.transports.greeting import Caller
from django_vortex.transports.held_login import SCOPE_KEY, HeldLogin, Login
from django_vortex.transports.sessions import may_show_session
from django_vortex.transports.user_tables import make_nobody

logger = get_limited_logger(__name__)

AUTHENTICATE_SECONDS: Final = 10.0
"""How long a function may take."""


class AuthenticationFailed(RefusedError):
    """A function of ``VORTEX["AUTHENTICATE"]`` failed, so the peer could not be authenticated."""


async def authenticate(scope: Scope, request: Any = None) -> tuple[Any, Any]:
    """Return the user and the session of a request.

    Args:
        scope: Of the request, whose offered tokens have been adopted.
        request: Django's, over HTTP.

    Raises:
        InvalidCredentials: The request shows credentials that are not valid.
        AuthenticationFailed: A function failed, which is logged.
    """
    flow = scope.get(FLOW_KEY)
    scope[CONNECTED_KEY] = flow.get_address() if isinstance(flow, Flow) else None
    scope.pop(SCOPE_KEY, None)
    if request is not None:
        scope[REQUEST_KEY] = request
    authenticators = load_authenticators(get_settings().authenticate)
    headers = scope["headers"]
    try:
        return await _find(scope, authenticators)
    except InvalidCredentials as error:
        challenge = error.challenge or authenticators.challenge
        raise InvalidCredentials(redact(str(error), headers), challenge) from None
    except Exception as error:
        reference = secrets.token_hex(3)
        text = describe_error(error, headers)
        logger.error("A peer could not be authenticated (ref %s):\n%s", reference, text)
        text = f"The server could not authenticate you (ref {reference})"
        raise AuthenticationFailed(text) from None
    finally:
        scope.pop(REQUEST_KEY, None)


async def authenticate_peer(
    caller: Caller, scope: Scope, request: Any = None
) -> tuple[Peer, Identity]:
    """Return what the server opens a connection with.

    Args:
        caller: What the URL and the headers say.
        scope: See `authenticate`.
        request: See `authenticate`.

    Raises:
        RefusedError: The credentials are not valid, a function failed, or too many such requests
            came.
    """
    try:
        user, session = await authenticate(scope, request)
    except InvalidCredentials:
        # Guesses count like peers that come, and so there are not more of them.
        hub.get_server().count_refused(*caller.to_peer(None, None, scope))
        raise
    return caller.to_peer(user, session, scope)


async def _find(scope: Scope, authenticators: Authenticators) -> tuple[Any, Any]:
    schemes = set(find_schemes(scope["headers"])) - AMBIENT_SCHEMES
    has_session = is_unknown = False
    for function in authenticators.functions:
        found = await _ask(function, scope)
        if function is not session_cookie:
            if found is not None:
                return _hold(scope, function, found), None
            is_unknown = is_unknown or bool(schemes and getattr(function, "challenge", ""))
            continue
        has_session = True
        if found is not None and not is_unknown:  # else it means to be somebody else
            return found.user, scope.get("session")
    if schemes and authenticators.reads_sessions_only:
        logger.warning(
            "A client shows a token, which nothing in VORTEX['AUTHENTICATE'] reads: it is served "
            "as whoever its cookies name"
        )
    elif schemes:
        for function in authenticators.for_bearer if "bearer" in schemes else ():
            found = await _ask(function, scope)
            if found is not None:
                return _hold(scope, function, found), None
        raise InvalidCredentials("This token is not known")
    if has_session:
        return scope.get("user"), scope.get("session")
    return make_nobody(), None


def _hold(scope: Scope, function: Authenticator, login: Login) -> Any:
    scope[SCOPE_KEY] = HeldLogin(login, partial(_ask_again, function))
    return login.user


async def _ask(function: Authenticator, scope: Scope) -> Login | None:
    if function is session_cookie and REQUEST_KEY not in scope and not may_show_session(scope):
        return _read(await session_cookie(scope), may_be_inactive=True)  # waits for nothing
    async with asyncio.timeout(AUTHENTICATE_SECONDS):
        if function is session_cookie:  # it has the connections of the request, or of sessions
            return _read(await session_cookie(scope), may_be_inactive=True)
        with hub.handler_connections():
            return _read(await call(function, scope), may_be_inactive=False)


async def _ask_again(function: Authenticator, scope: Mapping[str, Any]) -> Login | None:
    """Ask a function about a scope that it knows; see `HeldLogin`."""
    asked = {key: scope[key] for key in scope if key not in ("user", "session", SCOPE_KEY)}
    try:
        return await _ask(function, asked)
    except InvalidCredentials:
        return None
    except Exception as error:
        raise RuntimeError(redact(repr(error), scope["headers"])) from None


def _read(found: Found, *, may_be_inactive: bool) -> Login | None:
    """Return what a function has found as a login; nobody in particular is None.

    Raises:
        InvalidCredentials: Who is found may not log in.
        TypeError: It is no user.
    """
    login = found if isinstance(found, Login) else Login(found)
    user = login.user
    if user is None:
        return None
    is_authenticated = getattr(user, "is_authenticated", None)
    if is_authenticated is None or (is_authenticated and getattr(user, "pk", None) is None):
        raise TypeError(f"Expected a user, a Login or None, got a {type(user).__name__}")
    if not is_authenticated:
        return None
    if not may_be_inactive and not getattr(user, "is_active", True):
        raise InvalidCredentials("This user is not active")
    if login.has_expired:
        raise InvalidCredentials("These credentials have expired")
    return login
