"""What is watched, and what an evaluation of it gives: `Question` and `Evaluation`."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol, TypeAlias

from django_vortex.exceptions import DefinitionError, HandlerError, PeerError, ValidationError
from django_vortex.live.answers import Answer
from django_vortex.live.dependencies import Dependency
from django_vortex.routing.registered import Registered
from django_vortex.tuples.canonical import canonical_text
from django_vortex.tuples.registry import TupleRegistry
from django_vortex.typedefs import Filt

Enter: TypeAlias = Callable[[], AbstractContextManager[Any]]
"""Returns what is entered around each evaluation of a tenant."""


class NeedsPeer(HandlerError):
    """An evaluation for many peers has looked at something that they do not share."""


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom an answer is the same: whoever asks in the same scope shares a watch.

    Attributes:
        user: The primary key of the user as text; None for anonymous peers, and where all share.
        is_shared: Whether all peers share the answer, whoever they are.
        peer: The uuid of the only peer that it is for, where it depends on more than the user.
        tenant: What the project's ``watch_scope`` gave.
    """

    user: str | None = None
    is_shared: bool = False
    peer: str | None = None
    tenant: Any = None


@dataclass(frozen=True, slots=True)
class Question:
    """A filt that an endpoint answers, in a scope.

    Attributes:
        name: The digest of the canonical filt, the same in every process, as peers know the watch.
        scope: For whom the answer is.
        endpoint: Who answers.
        filt: What is asked, without what differs from request to request.
        enter: Enters the tenant of the scope for an evaluation; None if there is none.
    """

    name: str
    scope: Scope
    endpoint: Registered = field(compare=False)
    filt: Filt = field(compare=False)
    enter: Enter | None = field(default=None, compare=False)


def make_name(filt: Filt, registry: TupleRegistry) -> str:
    """Return the name of all watches of a filt, the same in every process.

    Raises:
        ValidationError: The filt holds something that has no canonical text.
    """
    try:
        text = canonical_text(filt, registry)
    except DefinitionError as error:
        raise ValidationError(str(error)) from error
    return urlsafe_b64encode(blake2b(text.encode(), digest_size=12).digest()).decode()


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What an evaluation gave.

    Attributes:
        answer: The answer; None if there is none.
        error: Why there is none, as peers are told it.
        is_final: Whether it is over with the watch: it would fail again whatever changes, or its
            watchers may not watch it any more.
        is_busy: Whether the database could not answer now, and is asked again after a while.
        dependencies: What was read until then, also by one that failed.
        seconds: How long it took.
    """

    answer: Answer | None = None
    error: PeerError | None = None
    is_final: bool = False
    is_busy: bool = False
    dependencies: tuple[Dependency, ...] = ()
    seconds: float = 0.0


class Evaluate(Protocol):
    """Evaluates questions off the loop, in one transaction where that is possible."""

    async def __call__(
        self, asked: Sequence[tuple[Question, Answer | None]], /
    ) -> Sequence[Evaluation]:
        """Return an evaluation of each; raises nothing but cancellation.

        It is cancelled when it takes too long, and ends only when nothing of it runs any more:
        until then none of the questions is asked again.

        Args:
            asked: What is evaluated, each with the answer that the watch has now.
        """
