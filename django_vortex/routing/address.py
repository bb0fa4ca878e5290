"""Where a push goes."""

from dataclasses import dataclass
from typing import Any

from django_vortex.routing.peer import Peer


@dataclass(frozen=True, slots=True)
class Address:
    """The peers that a push is for: those that fit every part given, all if none is.

    Attributes:
        uuid: One peer.
        name: All peers that call themselves so.
        user: All peers of the user with this primary key. Compared as text, since it crosses
            process borders.
    """

    uuid: str | None = None
    name: str | None = None
    user: Any = None

    def matches(self, peer: Peer, user_pk: Any = None) -> bool:
        """Say whether a peer is meant, whose user has the primary key ``user_pk``."""
        if self.uuid is not None and self.uuid != peer.uuid:
            return False
        if self.name is not None and self.name != peer.name:
            return False
        if self.user is None:
            return True
        return user_pk is not None and str(self.user) == str(user_pk)


EVERYONE = Address()
"""Every connected peer."""
