"""When what has happened to a watch, or may happen: `Times`."""

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Times:
    """Times by the clock of whoever schedules evaluations; a watch itself knows no clock.

    Attributes:
        rests_until: When it may be evaluated again.
        changed_at: Since when it has the answer that it has.
        stale_since: Since when changes may concern it that its answer does not contain, or since
            when it has none; None if its answer is current.
    """

    rests_until: float = 0.0
    changed_at: float = 0.0
    stale_since: float | None = None
