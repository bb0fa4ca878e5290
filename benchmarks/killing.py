"""A server is killed under 2000 clients: how soon all are shown what they watch at another one.

With sessions, beside plain reconnects without them. Each sample has servers of its own.
"""

import asyncio
import logging
import statistics
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.goals import KILLED_WITH_SESSIONS
from benchmarks.results import Result, compare
from tests.chaos import killing
from tests.chaos.stage import open_servers

_ROUNDS: Final = 3


def measure() -> list[Result]:
    """Compare the seconds."""
    # So many clients in one process hold each other up, and each would say so.
    logging.getLogger("django_vortex.client").setLevel(logging.ERROR)
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(_ROUNDS):
        for has_sessions, samples in seconds.items():
            samples.append(_measure(has_sessions=has_sessions))
    return [
        compare(
            f"{killing.CLIENTS} clients of a killed server at another, against no sessions",
            statistics.median(seconds[True]),
            statistics.median(seconds[False]),
            "s",
            goal=KILLED_WITH_SESSIONS,
            is_less_better=True,
        )
    ]


def _measure(*, has_sessions: bool) -> float:
    with (
        tempfile.TemporaryDirectory() as directory,
        open_servers(Path(directory), killing.VORTEX, ("uvicorn", "uvicorn")) as servers,
    ):
        return asyncio.run(killing.run(servers, has_sessions=has_sessions))
