"""The identity behind a peer's uuid, so that nobody else takes the peer over."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

IdentityKind: TypeAlias = Literal["user", "session", "address"]

_RANK = {"address": 0, "session": 1, "user": 2}


@dataclass(frozen=True, slots=True)
class Identity:
    """The strongest that is known of who opened a stream.

    Args:
        kind: What ``value`` is: a user's primary key, a session key, or the client address again.
        value: As text, whatever type the primary key has.
        address: The client address, also of users and sessions.
    """

    kind: IdentityKind
    value: str
    address: str = ""

    def may_be_taken_over_by(self, new: "Identity") -> bool:
        """Return whether a new stream of ``new`` may continue the peer that this identity opened.

        The same identity may. So may one that knows more, from the same address: a visitor who
        gets a session, or who logs in. The way back is refused: it may be anybody.
        """
        if self.kind == new.kind:
            return self.value == new.value
        return _RANK[new.kind] > _RANK[self.kind] and self.is_anonymous_at(new.address)

    def is_anonymous_at(self, address: str) -> bool:
        """Return whether nobody is logged in and the client address is known to be ``address``."""
        return self.kind != "user" and bool(address) and self.address == address

    def to_record(self) -> list[str]:
        """Return what `from_record` takes, in types that any channel layer carries."""
        return [self.kind, self.value, self.address]

    @classmethod
    def from_record(cls, record: Any) -> "Identity":
        """Rebuild an identity that came from another process."""
        kind, value, address = record
        return cls(cast(IdentityKind, kind), value, address)
