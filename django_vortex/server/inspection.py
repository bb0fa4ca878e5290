"""Tell whoever asks in another process what is watched in this one: `Inspection`.

Takes the name of who asks, gives the numbers of all watches as JSON, in parts that a channel layer
carries. Nobody pays for it before somebody asks.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any, Final

from django_vortex.live.watches import Watches
from django_vortex.routing.peer import Peer
from django_vortex.server.followers import Followers

INSPECTION: Final = "vortex.inspection"
"""What those who ask tell under, with their own name."""

WATCHES_PER_PART: Final = 100
"""How many watches travel in one record."""


def name_answer(asker: str) -> str:
    """Return what those that answer tell under."""
    return f"{INSPECTION}.{asker}"


class Inspection:
    """The watches of one server, for other processes; a `Follower`.

    Args:
        watches: The watches.
        followers: Carries questions and answers.
        process: The id of this process.
    """

    name = INSPECTION

    def __init__(self, watches: Watches, followers: Followers, process: str) -> None:
        self._watches = watches
        self._followers = followers
        self._process = process

    def receive_news(self, text: str) -> None:
        """Answer who asks."""
        for part in self.write():
            self._followers.tell(name_answer(text), part)

    def write(self) -> Iterator[str]:
        """Yield the numbers in parts: process, how many parts there are, lag, watches."""
        described = [asdict(one) for one in self._watches.describe()]
        parts = [
            described[start : start + WATCHES_PER_PART]
            for start in range(0, len(described), WATCHES_PER_PART)
        ] or [[]]
        lag = asdict(self._watches.lag())
        for part in parts:
            whole: dict[str, Any] = {
                "process": self._process,
                "parts": len(parts),
                "lag": lag,
                "watches": part,
            }
            yield json.dumps(whole, default=repr)

    def recover(self) -> None:
        """Need nothing of others."""

    def forget_peer(self, uuid: str) -> None:
        """Keep nothing for peers."""

    def give_peer(self, uuid: str) -> Iterable[str]:
        """Give nothing along with a peer."""
        return ()

    def take_peer(self, peer: Peer, text: str) -> None:
        """Take nothing with a peer."""
