"""The peer that an evaluation for one user sees: `ScopedPeer`."""

from typing import Any

from django_vortex.routing.shared_peer import SharedPeer


class ScopedPeer(SharedPeer):
    """Stands for all peers of one user: it has the user, and nothing else of any of them.

    Args:
        user: The user as of now, None or an anonymous one for peers that are not logged in.
    """

    __slots__ = ("_user",)

    _user: Any

    def __init__(self, user: Any) -> None:
        super().__init__()
        object.__setattr__(self, "_user", user)

    @property
    def user(self) -> Any:
        """The user."""
        return self._user

    def __repr__(self) -> str:
        return "<ScopedPeer>"
