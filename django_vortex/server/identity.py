"""The identity behind a peer's uuid, so that nobody else takes the peer over."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, cast

from django_vortex.server.fan_out import Record

IdentityKind: TypeAlias = Literal["user", "session", "address"]

_RANK = {"address": 0, "session": 1, "user": 2}


@dataclass(frozen=True, slots=True)
class Identity:
    """The strongest that is known of who opened a stream.

    Args:
        kind: What ``value`` is: a user's primary key, a session key, or the client address again.
        value: As text, whatever type the primary key has.
        address: The client address, also of users and sessions.
        key: A digest of the key of its session, "" if it has none. It stands in the place of the
            address: that of a peer may change with each network, and others may have it as well.
    """

    kind: IdentityKind
    value: str
    address: str = ""
    key: str = ""

    def may_be_taken_over_by(self, new: "Identity") -> bool:
        """Return whether a new stream of ``new`` may continue the peer that this identity opened.

        The same identity may. So may one that knows more, from the same address: a visitor who
        gets a session, or who logs in. The way back is refused: it may be anybody. Where this one
        has a key, only the same key may.
        """
        if self.key and self.key != new.key:
            return False
        if self.kind == new.kind:
            return self.is_same_as(new)
        if _RANK[new.kind] < _RANK[self.kind]:
            return False
        is_by_key = bool(self.key) and self.kind == "address"
        return is_by_key or self.is_anonymous_at(new.address)

    def is_same_as(self, other: "Identity") -> bool:
        """Return whether both are the same user or session, or else the same client."""
        if self.kind != other.kind:
            return False
        is_by_key = self.kind == "address" and bool(self.key)
        return self.key == other.key if is_by_key else self.value == other.value

    def may_be_taken_over_in(self, record: Record) -> bool:
        """Return whether whoever a record of another process is about may continue the peer.

        Processes of the version before know of no keys.
        """
        known = self if "key" in record else replace(self, key="")
        return known.may_be_taken_over_by(Identity.from_record(record))

    def is_anonymous_at(self, address: str) -> bool:
        """Return whether nobody is logged in and the client address is known to be ``address``."""
        return self.kind != "user" and bool(address) and self.address == address

    def to_record(self) -> Record:
        """Return the part of a record that `from_record` takes.

        The key stands apart: processes of the version before know of none.
        """
        return {"identity": [self.kind, self.value, self.address], "key": self.key}

    @classmethod
    def from_record(cls, record: Record) -> "Identity":
        """Rebuild an identity from a record of another process."""
        kind, value, address = record["identity"]
        return cls(cast(IdentityKind, kind), value, address, record.get("key", ""))
