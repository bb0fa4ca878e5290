"""The endpoints there are, found by the filts of messages: `EndpointRegistry`.

Takes endpoints, gives those that a filt is for. May be used from any thread.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from django_vortex.locks import Lock
from django_vortex.routing.filt import FiltPattern
from django_vortex.routing.index import FiltIndex
from django_vortex.routing.lifetime import Site
from django_vortex.routing.registered import Registered
from django_vortex.routing.unkept import EndpointReference, LostEndpoints
from django_vortex.typedefs import Filt


class EndpointRegistry:
    """Knows all endpoints.

    They are held weakly, except those constructed in the body of a module or while an app becomes
    ready: they stay until they are removed or the same is run again.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._index: FiltIndex[EndpointReference] = FiltIndex()
        self._collected: deque[Any] = deque()
        self._due: deque[Callable[[], None]] = deque()
        self._lost = LostEndpoints()
        self._pinned: dict[str, tuple[Site, dict[Registered, None]]] = {}

    @property
    def endpoints(self) -> list[Registered]:
        """All endpoints there are now, in the order of their registration."""
        with self._lock:
            self._catch_up()
            return [endpoint for ref in self._index if (endpoint := ref()) is not None]

    def add(self, endpoint: Registered) -> None:
        """Register an endpoint, which its constructor does already; twice is once."""
        with self._lock:
            self._forget_collected()
            reference = EndpointReference(endpoint, self._collected.append)
            reference.unkept = endpoint.unkept
            self._index.add(endpoint.filt, reference)
            if endpoint.site.module is not None:
                self._pin(endpoint, endpoint.site.module)

    def remove(self, endpoint: Registered) -> None:
        """Forget an endpoint; unknown ones are ignored."""
        with self._lock:
            self._index.remove(EndpointReference(endpoint))
            _, pinned = self._pinned.get(endpoint.site.module or "", (None, {}))
            pinned.pop(endpoint, None)

    def call_before_lookup(self, function: Callable[[], None]) -> None:
        """Call a function before endpoints are looked up, which may add some."""
        self._due.append(function)

    def find(self, filt: Filt, peer_name: str) -> list[Registered]:
        """Return the endpoints whose filt the given one contains and that hear such a peer."""
        with self._lock:
            if self._collected or self._due:
                self._catch_up()
            refs = self._index.find(filt)
        return [
            one
            for ref in refs
            if (one := ref()) is not None and (one.hears_all or one.accepts(peer_name))
        ]

    def find_exactly(self, filt: Filt) -> list[Registered]:
        """Return the endpoints of just this filt, whoever they hear."""
        wanted = FiltPattern(filt)
        with self._lock:
            self._catch_up()
            refs = self._index.find(filt)
        return [one for ref in refs if (one := ref()) is not None and wanted.matches(one.filt)]

    def _pin(self, endpoint: Registered, module: str) -> None:
        known = self._pinned.get(module)
        if known is None or endpoint.site.replaces(known[0]):
            for outdated in {} if known is None else known[1]:
                self._index.remove(EndpointReference(outdated))
            known = self._pinned[module] = endpoint.site, {}
        known[1][endpoint] = None

    def _catch_up(self) -> None:
        self._forget_collected()
        while self._due:
            self._due.popleft()()

    def _forget_collected(self) -> None:
        while self._collected:
            reference = self._collected.popleft()
            self._index.remove(reference)
            self._lost.note(reference)
