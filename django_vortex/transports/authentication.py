"""Authentication functions for ``VORTEX["AUTHENTICATE"]``: from an ASGI scope to a user.

Each returns a user, a `Login`, or None for a request without the credentials that it reads, or
raises `InvalidCredentials`. `session_cookie` is such a function; `bearer_token` and `proxy_header`
are decorators that turn a function of the project into one.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import update_wrapper
from typing import Any, Final, TypeAlias

from django_vortex.conf import get_settings
from django_vortex.exceptions import DefinitionError, InvalidCredentials, quoted
from django_vortex.transports import hub
from django_vortex.transports.asgi_types import Scope
from django_vortex.transports.credentials import get_bearer_token
from django_vortex.transports.proxies import is_trusted
from django_vortex.transports.sessions import load_session

REQUEST_KEY: Final = "django_vortex.request"
"""Where a scope has Django's request while it is found out who sends it."""

CONNECTED_KEY: Final = "django_vortex.connected"
"""Where it has the address of the socket, None if that cannot be known."""

Found: TypeAlias = Any
"""A user, a `Login` or None."""

FindUser: TypeAlias = Callable[[str], Found | Awaitable[Found]]
"""From a text that a request shows to whoever it belongs to."""


async def session_cookie(scope: Scope) -> Any:
    """Return the user that Django's session, or a middleware of the project, has authenticated.

    Args:
        scope: Of the request.
    """
    request = scope.get(REQUEST_KEY)
    if request is None:
        await load_session(scope, hub.run_session_sync)
        user = scope.get("user")
    else:
        user = scope["user"] = await request.auser() if hasattr(request, "auser") else None
        scope["session"] = session = getattr(request, "session", None)
        if user is None and session is not None:
            await hub.run_session_sync(session.items)  # a key without a session is gone then
    return user if getattr(user, "is_authenticated", False) else None


class BearerToken:
    """An authentication function that reads a bearer token; made by `bearer_token`.

    Args:
        function: From a token to its user.
    """

    challenge = "Bearer"

    def __init__(self, function: FindUser) -> None:
        update_wrapper(self, function)
        self.function = function

    async def __call__(self, scope: Mapping[str, Any]) -> Found:
        """Return the user of the request's bearer token, None if it has none."""
        token = get_bearer_token(scope["headers"])
        return None if token is None else await call(self.function, token)


class ProxyHeader:
    """An authentication function that reads a header of a proxy; made by `proxy_header`.

    Args:
        name: Of the header, in lower case.
        function: From its value to a user.
    """

    challenge = ""

    def __init__(self, name: bytes, function: FindUser) -> None:
        update_wrapper(self, function)
        self.name = name
        self.function = function

    async def __call__(self, scope: Mapping[str, Any]) -> Found:
        """Return the user that a trusted proxy names, None if it names nobody."""
        values = [value.strip() for name, value in scope["headers"] if name == self.name]
        if not any(values):
            return None
        proxies = get_settings().trusted_proxies
        connected = scope.get(CONNECTED_KEY)
        name = self.name.decode()
        if connected is None or isinstance(proxies, int) or not is_trusted(connected, proxies):
            raise InvalidCredentials(f"Only a trusted proxy may send the header {name}")
        if len(values) > 1:
            raise InvalidCredentials(f"Expected one header {name}, got several")
        found = await call(self.function, values[0].decode("latin-1"))
        if found is None:
            raise InvalidCredentials(f"This value of the header {name} is not known")
        return found


def bearer_token(function: FindUser) -> BearerToken:
    """Decorate a function that takes a token, for use in ``VORTEX["AUTHENTICATE"]``.

    The token comes from ``Authorization: Bearer``, or from the subprotocol in which a browser
    offers it; see :doc:`howto-authenticate`.

    Args:
        function: Takes the token; ``async`` or not. Returns its user, or a `Login` with the end of
            the token, or None for a token that it does not know.

    Raises:
        DefinitionError: The function does not take one argument.
    """
    require_one_argument(function, "bearer_token", "the token")
    return BearerToken(function)


def proxy_header(name: str) -> Callable[[FindUser], ProxyHeader]:
    """Decorate a function that takes the value of a header, for use in ``VORTEX["AUTHENTICATE"]``.

    A proxy sets the header, for example to the subject of the client certificate that it has
    verified. The header is accepted on connections that come from ``TRUSTED_PROXIES``, which has to
    list addresses; from anywhere else, or twice in a request, it is refused.

    Args:
        name: Of the header, which the proxy must always set or remove.

    Raises:
        DefinitionError: The name is not a valid header name, or the decorated function does not
            take one argument, the value.
    """
    if not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", name):
        raise DefinitionError(
            f"Expected the name of a header such as 'X-Client-Subject', got {quoted(name)}"
        )

    def decorate(function: FindUser) -> ProxyHeader:
        require_one_argument(function, "proxy_header", "the value of the header")
        return ProxyHeader(name.lower().encode(), function)

    return decorate


async def call(function: Callable[[Any], Any], argument: Any) -> Any:
    """Call a function of the project: on the event loop if it is async, else in a thread."""
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004
    ):
        return await function(argument)
    found = await hub.run_session_sync(lambda: function(argument))
    return await found if inspect.isawaitable(found) else found


def require_one_argument(function: object, name: str, argument: str) -> None:
    """Check that a function can be called with one argument.

    Raises:
        DefinitionError: It cannot.
    """
    if not callable(function):
        raise DefinitionError(f"{name} expects a function, got {quoted(function)}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # of something built in, which tells nobody
    try:
        signature.bind(None)
    except TypeError:
        text = f"{name} expects a function of one argument, {argument}, got "
        raise DefinitionError(f"{text}{_name(function)}{signature}") from None


def _name(function: object) -> str:
    return getattr(function, "__qualname__", None) or type(function).__name__
