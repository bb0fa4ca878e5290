"""VortexPY's own observer of queries, for releases that have one (2.0 and later)."""

from typing import Any

from twisted.internet.defer import inlineCallbacks
from vortex.TupleSelector import TupleSelector

from tests.interop.originals.notation import from_notation, to_notation
from tests.interop.originals.tuples import build, describe

try:
    from vortex.handler.TupleDataObserverClient import TupleDataObserverClient
except ImportError:  # the oldest
    TupleDataObserverClient = None


class Observer:
    """An observer, used exactly as released, that keeps what its subjects give."""

    def __init__(self, server: str, observable: str, additional_filt: Any, name: str) -> None:
        self._client = TupleDataObserverClient(
            server, observable, from_notation(additional_filt, build), name
        )
        self._seen: dict[str, list[Any]] = {}
        self._selectors: dict[str, TupleSelector] = {}

    def observe(self, name: str, selector: Any) -> str:
        """Subscribe to a selector; gives the text to ask `seen` with."""
        made = TupleSelector(name, from_notation(selector, build))
        text = made.toJsonStr()
        seen = self._seen.setdefault(text, [])
        self._selectors[text] = made
        subject = self._client.subscribeToTupleSelector(made)
        subject.subscribe(lambda tuples: seen.append(to_notation(tuples, describe)))
        return text

    def seen(self, text: str) -> list[Any]:
        """Return all that a selector has given so far."""
        return self._seen[text]

    def unobserve(self, text: str) -> None:
        """Tell the server what the library tells it two minutes after the last subscriber left."""
        self._client._sendUnsubscribeToServer(self._selectors[text])

    @inlineCallbacks
    def poll(self, name: str, selector: Any) -> Any:
        """Ask once; yield the tuples."""
        made = TupleSelector(name, from_notation(selector, build))
        tuples = yield self._client.pollForTuples(made)
        return to_notation(tuples, describe)

    def shutdown(self) -> None:
        """End it, which ends what it observes."""
        self._client.shutdown()
