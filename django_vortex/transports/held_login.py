"""Logins that do not come from a session, kept so that they can be checked again.

Takes what the functions of ``VORTEX["AUTHENTICATE"]`` return, gives a `HeldLogin`, which is stored
in the scope of the peer's newest stream.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

SCOPE_KEY: Final = "django_vortex.login"
"""Where a scope has it."""


@dataclass(frozen=True, slots=True)
class Login:
    """A user, and the time at which the credentials expire.

    Functions in ``VORTEX["AUTHENTICATE"]`` may return one in place of the user. Credentials are
    checked again every ``RECHECK_SECONDS`` anyway; with ``expires_at`` the connection also ends in
    time while that check is not possible.

    Args:
        user: The user.
        expires_at: A datetime, or the seconds since 1970 that JSON Web Tokens have under ``exp``;
            None if there is no end.
    """

    user: Any
    expires_at: datetime | float | None = None

    @property
    def has_expired(self) -> bool:
        """Whether ``expires_at`` has passed."""
        end = self.expires_at
        if isinstance(end, datetime):
            end = (timezone.make_aware(end) if timezone.is_naive(end) else end).timestamp()
        return end is not None and end <= time.time()


@dataclass(frozen=True, slots=True)
class HeldLogin:
    """A login with the function that found it.

    Attributes:
        login: As it was found last.
        ask: Takes the scope, gives the login as it is now, None if it has ended; raises what kept
            it from being found.
    """

    login: Login
    ask: Callable[[Mapping[str, Any]], Awaitable[Login | None]]


def get_held_login(scope: Mapping[str, Any]) -> HeldLogin | None:
    """Return the login of a scope, None if its peer has a session or is anonymous."""
    return scope.get(SCOPE_KEY)
