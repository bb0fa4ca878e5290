"""The options of live answers: `LiveOptions`. Settings are read by the caller, not here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """The options of one `Watches`."""

    coalesce_seconds: float = 0.02
    """How long changes are gathered before the answers that they concern are evaluated."""
    evaluation_seconds: float = 30.0
    """How long one evaluation may take."""
    max_watches_per_peer: int = 1000
    """Answers that one peer may watch."""
    max_watches: int = 100_000
    """Different answers that are watched in one process."""
    max_watched_rows: int = 10_000
    """Rows of one watched answer."""
    max_watched_bytes: int = 8_388_608
    """JSON of the rows of one watched answer."""
    batch_size: int = 50
    """Answers that are evaluated in one transaction, at the most."""
    batch_seconds: float = 0.1
    """How long they take together, at the most, going by the last time."""
    batches_at_once: int = 4
    """Batches that are evaluated side by side."""
    batches_per_user: int = 2
    """Batches of them in which one user's watches may be, so that others get on."""
    hanging_per_endpoint: int = 4
    """Evaluations of one endpoint that have not ended in their time and still run. While there are
    as many, its answers are an error; so an endpoint that hangs takes no more threads than these.
    """
