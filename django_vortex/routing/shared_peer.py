"""A placeholder for the peer of data that is built once for many peers: `SharedPeer`.

Data for many peers must not depend on one of them, so reading an attribute of the placeholder is
noted, and the data is built for each peer instead.
"""

from typing import Any, NoReturn

from django_vortex.routing.peer import Peer


class DependsOnPeer(Exception):
    """An attribute was read of a peer that stands for many."""


class SharedPeer(Peer):
    """Stands for all peers of a push that is built once.

    Attributes:
        is_looked_at: Whether user, session or anything else of it was asked for; what was built
            then is good for nobody, even if the application caught the exception.
    """

    __slots__ = ("is_looked_at",)

    is_looked_at: bool

    def __init__(self) -> None:
        object.__setattr__(self, "is_looked_at", False)

    def _note(self) -> NoReturn:
        object.__setattr__(self, "is_looked_at", True)
        raise DependsOnPeer("Built once for many peers: there is no user, session or name here")

    @property
    def uuid(self) -> str:
        """Note that it was asked for."""
        self._note()

    @property
    def name(self) -> str:
        """Note that it was asked for."""
        self._note()

    @property
    def user(self) -> Any:
        """Note that it was asked for."""
        self._note()

    @property
    def session(self) -> Any:
        """Note that it was asked for."""
        self._note()

    @property
    def address(self) -> str:
        """Note that it was asked for."""
        self._note()

    @property
    def scope(self) -> Any:
        """Note that it was asked for."""
        self._note()

    def __repr__(self) -> str:
        return "<SharedPeer>"
