"""What a server is given for live answers: `Live`. The transports make it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django_vortex.live.changes import Change
from django_vortex.live.options import LiveOptions
from django_vortex.live.questions import Evaluate
from django_vortex.live.sources import Sources
from django_vortex.live.sweep import SweepOptions
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import Request
from django_vortex.server.subscriptions import NO_TENANT, FindTenant, Tenant


def find_no_tenant(request: Request) -> Tenant:
    """Return that there are no tenants."""
    return NO_TENANT


def ignore(changes: Sequence[Change]) -> None:
    """Take no notice of changes."""


@dataclass(frozen=True, slots=True)
class Live:
    """What a server needs for live answers.

    Attributes:
        evaluate: Evaluates questions.
        options: See `LiveOptions`.
        can_find: Tells of a peer whether an evaluation finds its user by the primary key; for
            others each peer has watches of its own.
        sources: Has the values that no database has.
        note: Takes changes that were committed anywhere, before they are evaluated.
        sweep: How changes are found that nobody tells; None where they are not.
        find_tenant: Returns what answers differ by beside users.
    """

    evaluate: Evaluate
    options: LiveOptions
    can_find: Callable[[Peer], bool]
    sources: Sources
    note: Callable[[Sequence[Change]], object] = ignore
    sweep: SweepOptions | None = None
    find_tenant: FindTenant = find_no_tenant
