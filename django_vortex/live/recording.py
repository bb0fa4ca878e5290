"""What an evaluation reads and writes, noted while it runs: `Recorder`.

Takes notes from the adapters of the ORMs in whatever thread or task the evaluation has come to,
since a context variable says who listens; gives them to whoever began the evaluation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from django_vortex.live.changes import Table
from django_vortex.live.dependencies import Dependency


@dataclass(slots=True, eq=False)
class Recorder:
    """The notes of one evaluation."""

    reads: list[Dependency] = field(default_factory=list)
    """What it has read, one for each executed query, or more."""

    writes: list[Table] = field(default_factory=list)
    """The tables that it has written, which it may not."""

    unknown: list[str] = field(default_factory=list)
    """The beginnings of texts that have read something, and nobody knows what."""


_recorder: ContextVar[Recorder | None] = ContextVar("vortex_recorder", default=None)


def get_recorder() -> Recorder | None:
    """Return who listens to the caller, None where no evaluation runs."""
    return _recorder.get()


@contextmanager
def not_recording() -> Iterator[None]:
    """Note nothing meanwhile: whoever reads says better what that depends on."""
    token = _recorder.set(None)
    try:
        yield
    finally:
        _recorder.reset(token)


@contextmanager
def recording() -> Iterator[Recorder]:
    """Note what is read and written in this context, and in threads that copy it."""
    recorder = Recorder()
    token = _recorder.set(recorder)
    try:
        yield recorder
    finally:
        _recorder.reset(token)
