"""The interface of endpoints for their registry: `Registered`.

`PayloadEndpoint` is one, which registers itself; the registry knows no more of it than this.
"""

from collections.abc import Callable
from typing import Any, Protocol

from django_vortex.routing.lifetime import Site
from django_vortex.routing.permission import Permission
from django_vortex.routing.rates import Rates
from django_vortex.routing.unkept import Unkept
from django_vortex.routing.watchable import Watchable
from django_vortex.typedefs import Filt


class Registered(Protocol):
    """An endpoint as its registry sees it.

    Attributes:
        filt: What the filt of a message must contain to come here.
        handler: Called with the request.
        accept_only_from: Names of the peers that it hears; all if empty.
        ignore_from: Names of peers that it does not hear.
        hears_all: Whether it hears peers of every name.
        is_async: Whether the handler is a coroutine function.
        permission: Who may ask.
        rates: How often peers may ask, None for as often as they like.
        site: Where it was made.
        unkept: What is remembered of it until somebody asks it, if only its caller keeps it.
        watchable: How its answers are watched, None if they cannot be.
    """

    filt: Filt
    handler: Callable[..., Any]
    accept_only_from: frozenset[str]
    ignore_from: frozenset[str]
    hears_all: bool
    is_async: bool
    permission: Permission
    rates: Rates | None
    site: Site
    unkept: Unkept | None
    watchable: Watchable | None

    def accepts(self, peer_name: str) -> bool:
        """Return whether peers of this name are heard."""
