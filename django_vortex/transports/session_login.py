"""Read the user of a session without changing the session.

`django.contrib.auth.get_user` ends a session whose password has changed, and gives it a new key
after a change of ``SECRET_KEY``. The answer to a request can carry the new cookie, a WebSocket
cannot.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare


@dataclass(frozen=True, slots=True)
class SessionLogin:
    """What a session says of who is logged in, before anybody has checked it."""

    pk: Any
    backend: str
    password_hash: str

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "SessionLogin | None":
        """Return what the data of a session say, None if nobody can be logged in by them."""
        from django.contrib.auth import (
            BACKEND_SESSION_KEY,
            HASH_SESSION_KEY,
            SESSION_KEY,
            get_user_model,
        )

        backend = data.get(BACKEND_SESSION_KEY)
        if SESSION_KEY not in data or backend not in settings.AUTHENTICATION_BACKENDS:
            return None
        try:
            pk = get_user_model()._meta.pk.to_python(data[SESSION_KEY])
        except ValidationError:
            return None
        return cls(pk, str(backend), str(data.get(HASH_SESSION_KEY) or ""))

    def fits(self, user: Any) -> bool:
        """Return whether the password of a user is the one the session was logged in with."""
        if not hasattr(user, "get_session_auth_hash"):
            return True
        stored = self.password_hash
        if not stored:
            return False
        if constant_time_compare(stored, user.get_session_auth_hash()):
            return True
        older = user.get_session_auth_fallback_hash()  # of SECRET_KEY_FALLBACKS
        return any(constant_time_compare(stored, one) for one in older)


def ask_backend(path: str, pk: Any) -> Any:
    """Return the user that an authentication backend has for a primary key, or None."""
    from django.contrib.auth import load_backend

    return load_backend(path).get_user(pk)
