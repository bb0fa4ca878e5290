"""Parts of a server that keep state for its peers, or talk with other processes: `Followers`.

Takes what the server notices of its peers and hears from other processes, gives it to the parts it
concerns; takes what one of them tells the same part in other processes. Used on the server's loop.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from django_vortex.exceptions import DeliveryError
from django_vortex.logs import get_limited_logger
from django_vortex.routing.peer import Peer
from django_vortex.server.fan_out import Record
from django_vortex.server.news import news_record

logger = get_limited_logger("django_vortex.server")


class Follower(Protocol):
    """A part that keeps something for each peer, in the process that has the peer."""

    @property
    def name(self) -> str:
        """What the same part is called in every process."""

    def receive_news(self, text: str) -> None:
        """Take what the same part tells in another process."""

    def recover(self) -> None:
        """Do without what others have told: something of it was lost."""

    def forget_peer(self, uuid: str) -> None:
        """Let go of what was kept for a peer, which is gone for good."""

    def give_peer(self, uuid: str) -> Iterable[str]:
        """Let go of what was kept for a peer, and give what `take_peer` makes of it elsewhere."""

    def take_peer(self, peer: Peer, text: str) -> None:
        """Keep what another process has kept for a peer that came here."""


class Followers:
    """The parts of one server that follow its peers.

    Args:
        publish: Passes a record on to the other processes; raises `DeliveryError`.
    """

    def __init__(self, publish: Callable[[Record], object]) -> None:
        self._publish = publish
        self._followers: list[Follower] = []

    def add(self, follower: Follower) -> None:
        """Tell a follower from now on."""
        self._followers.append(follower)

    def tell(self, name: str, text: str, uuid: str | None = None) -> None:
        """Tell the followers of a name in all other processes, or only where a peer is.

        Raises nothing; what others do not get is logged.
        """
        try:
            self._publish(news_record(name, text, uuid))
        except DeliveryError as error:
            logger.error("Other processes miss the news of %s: %s", name, error)

    def receive_news(self, name: str, text: str) -> None:
        """Pass what another process tells on to the followers of a name."""
        self._each(lambda one: one.receive_news(text), name)

    def recover(self) -> None:
        """Let all followers do without something that was lost."""
        self._each(lambda one: one.recover())

    def forget_peer(self, uuid: str) -> None:
        """Note that a peer is gone for good."""
        self._each(lambda one: one.forget_peer(uuid))

    def give_peer(self, uuid: str) -> Iterator[tuple[str, str]]:
        """Note that a peer goes to another process, and give what follows it, by name."""
        given: list[tuple[str, str]] = []
        self._each(lambda one: given.extend((one.name, text) for text in one.give_peer(uuid)))
        return iter(given)

    def take_peer(self, name: str, peer: Peer, text: str) -> None:
        """Note what follows a peer that came from another process."""
        self._each(lambda one: one.take_peer(peer, text), name)

    def _each(self, call: Callable[[Follower], Any], name: str | None = None) -> None:
        for follower in self._followers:
            if name is None or follower.name == name:
                try:
                    call(follower)
                except Exception:
                    logger.exception("%r could not follow", follower)
