"""The recipients of a push: `Address`."""

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from django_vortex.exceptions import DefinitionError, quoted
from django_vortex.routing.peer import Peer
from django_vortex.typedefs import Filt


@dataclass(frozen=True, slots=True)
class Address:
    """The peers that a push is for: those that fit every part given, all if none is.

    Attributes:
        uuid: One peer.
        name: All peers that call themselves so.
        user: All peers of the user with this primary key. Compared as text, since it crosses
            process borders.
        handler: The filt of a handler: only peers that its permission lets read, asked where they
            are. None asks nothing.
        is_each: Whether that handler builds what is sent for each of them, as if the peer asked;
            the envelope then has only a filt.
    """

    uuid: str | None = None
    name: str | None = None
    user: Any = None
    handler: Filt | None = None
    is_each: bool = False

    @classmethod
    def of(
        cls, *, to_peer: Peer | UUID | str | None, to_name: str | None = None, to_user: Any = None
    ) -> Self:
        """Return the address that applications write as keywords.

        Args:
            to_peer: A peer or its uuid.
            to_name: What peers call themselves.
            to_user: A user or a primary key.

        Raises:
            DefinitionError: The user has no primary key. Without this an update for somebody who
                is not logged in would go to everyone. Or a part is of a type that does not travel
                to other processes.
        """
        uuid = to_peer.uuid if isinstance(to_peer, Peer) else to_peer
        if isinstance(uuid, UUID):
            uuid = str(uuid)
        for what, value in (("to_peer", uuid), ("to_name", to_name)):
            if not isinstance(value, str | None):
                raise DefinitionError(f"Expected `str`, got {quoted(value)} - at `{what}`")
        user = getattr(to_user, "pk", to_user)
        if to_user is not None and user is None:
            raise DefinitionError(f"User {quoted(to_user)} has no primary key to send to")
        return cls(uuid, to_name, user)

    def matches(self, peer: Peer, user_pk: Any = None) -> bool:
        """Return whether a peer is meant, whose user has the primary key ``user_pk``."""
        if self.uuid is not None and self.uuid != peer.uuid:
            return False
        if self.name is not None and self.name != peer.name:
            return False
        if self.user is None:
            return True
        return user_pk is not None and str(self.user) == str(user_pk)


EVERYONE = Address()
"""Every connected peer."""
