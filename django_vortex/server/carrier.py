"""The interface that moves messages between processes, for `SequencedFanOut`: `Carrier`.

A carrier may lose messages and may fail; it need not say so. The Channels one is in `transports`.
"""

from typing import Any, Protocol


class Carrier(Protocol):
    """A way to all processes of the project, this one included."""

    async def join(self) -> None:
        """Become a member, or stay one: called at the start, now and then, and after each error."""

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message to all members; raises when that failed, as far as it is known."""

    async def receive(self) -> dict[str, Any]:
        """Wait for the next message; raises when something may have been missed."""

    async def leave(self) -> None:
        """Leave the group."""
