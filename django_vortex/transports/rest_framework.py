"""Use authentication classes of Django REST framework in ``VORTEX["AUTHENTICATE"]``.

Takes the class, gives an authentication function. The framework is imported only where a project
names one of its classes.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.apps import apps
from django.core.handlers.asgi import ASGIRequest

from django_vortex.exceptions import InvalidCredentials
from django_vortex.transports.held_login import Login

REFUSED_STATUSES = (401, 403)
"""Of exceptions that say that credentials are not valid."""


def is_authentication_class(value: object) -> bool:
    """Return whether something is a class that REST framework authenticates by."""
    return isinstance(value, type) and all(
        callable(getattr(value, name, None)) for name in ("authenticate", "authenticate_header")
    )


def get_problem(authentication: Any) -> tuple[str, str] | None:
    """Return what is wrong with a class, and what to do, or None."""
    if any(base.__name__ == "SessionAuthentication" for base in authentication.__mro__):
        text = "reads Django's session, whose CSRF token a WebSocket does not have"
        return (
            text,
            "Name django_vortex.session_cookie: the vortex checks the origin of the page instead.",
        )
    is_token = hasattr(authentication, "get_model") and hasattr(authentication, "keyword")
    if (
        is_token
        and getattr(authentication, "model", None) is None
        and not apps.is_installed("rest_framework.authtoken")
    ):
        text = "has no model: its tokens are in no table"
        return text, "Add 'rest_framework.authtoken' to INSTALLED_APPS and migrate."
    return None


class RestFrameworkAuthentication:
    """An authentication class as a function.

    Args:
        authentication: The class.
        is_bearer: Whether to show it a bearer token under the keyword that it expects. Clients that
            know nothing of the class, and browsers, can only send a bearer token.
    """

    def __init__(self, authentication: type[Any], *, is_bearer: bool = False) -> None:
        self._authentication = authentication
        self._is_bearer = is_bearer
        keyword = getattr(authentication, "keyword", None)
        self._keyword = keyword if isinstance(keyword, str) else ""

    @property
    def as_bearer(self) -> "RestFrameworkAuthentication | None":
        """The same for bearer tokens; None if the class reads those by itself, or no tokens."""
        if self._keyword.lower() in ("", "bearer"):
            return None
        return RestFrameworkAuthentication(self._authentication, is_bearer=True)

    @property
    def challenge(self) -> str:
        """What the class answers under ``WWW-Authenticate``."""
        request = _make_request({"path": "/", "headers": []})
        return str(self._authentication().authenticate_header(request) or "")

    def __call__(self, scope: Mapping[str, Any]) -> Login | None:
        """Find the user of a request; blocks."""
        from rest_framework.exceptions import APIException

        request = _make_request(scope, self._keyword if self._is_bearer else "")
        try:
            found = self._authentication().authenticate(request)
        except APIException as error:
            if error.status_code not in REFUSED_STATUSES:
                raise
            raise InvalidCredentials(_read_text(error.detail), self.challenge) from None
        return None if found is None else Login(found[0])


def _make_request(scope: Mapping[str, Any], keyword: str = "") -> Any:
    """Make the framework's request of a scope, without what could make it less than sure.

    Names of headers with ``_`` would be taken for those with ``-``, and the URL is no place for a
    token.
    """
    from rest_framework.request import Request

    made: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": scope["path"],
        "query_string": b"",
        "scheme": "https" if scope.get("scheme") in ("https", "wss") else "http",
        "headers": [
            (name, _rewrite(value, keyword) if name == b"authorization" else value)
            for name, value in scope["headers"]
            if b"_" not in name
        ],
        **{key: scope[key] for key in ("client", "server") if scope.get(key)},
    }
    return Request(ASGIRequest(made, BytesIO()))


def _rewrite(value: bytes, keyword: str) -> bytes:
    scheme, space, token = value.strip().partition(b" ")
    if not keyword or scheme.lower() != b"bearer":
        return value
    return keyword.encode() + space + token


def _read_text(detail: Any) -> str:
    if isinstance(detail, Mapping):
        detail = detail.get("detail") or "These credentials are not valid"
    if isinstance(detail, list):
        detail = detail[0] if detail else "These credentials are not valid"
    return str(detail).rstrip(".")
