"""Processes whose records have a version that cannot be read here: `Strangers`.

Takes the version of what came, tells whether it can be read; says once of each process that cannot
be understood what to do about it.
"""

from typing import Final

from django_vortex.exceptions import quoted
from django_vortex.logs import get_limited_logger
from django_vortex.wire.versions import OLDEST_VERSION, VERSION

logger = get_limited_logger("django_vortex.fan_out.versions")

NEWEST_VERSION: Final = VERSION + 1
"""The newest whose records are read: it writes what this version reads."""

MAX_KNOWN: Final = 1024
"""How many processes are remembered as told of."""


class Strangers:
    """The processes that are not understood."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}

    def is_stranger(self, process: str, version: object) -> bool:
        """Return whether records of a process are to be dropped; log that once for each.

        Args:
            process: The id of the process.
            version: What its message says, `UNNUMBERED_VERSION` where it says nothing.
        """
        if type(version) is int and OLDEST_VERSION <= version <= NEWEST_VERSION:
            return False
        if process not in self._known:
            if len(self._known) >= MAX_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[process] = None
            logger.error(
                "Process %s writes records of version %s, which version %d does not read: peers do "
                "not get from one what is sent at the other. Update the older of the two; from one "
                "version to the next, and no further, they work together",
                quoted(process),
                quoted(version),
                VERSION,
            )
        return True
