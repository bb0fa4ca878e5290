"""The interface that carries records between the processes of one project: `FanOut`.

The server gives and takes records: dicts of what any channel layer carries (None, bool, int, float,
str, bytes, and lists and dicts with str keys of them). Every record has the process it comes from
and a sequence number, so that a receiver knows what it has seen and what was lost.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

Record: TypeAlias = dict[str, Any]
"""What crosses processes; the key ``kind`` says what it is."""

ReceiveRecord: TypeAlias = Callable[[str, int, Record], None]
"""Takes the process a record comes from, its sequence number, and the record."""

ReportGap: TypeAlias = Callable[[str, int], None]
"""Takes a process and how many of its records were lost."""

ReportSent: TypeAlias = Callable[[BaseException | None], None]
"""Takes None when the record was handed to the layer, else why it was not."""


class FanOut(Protocol):
    """This process's connection to all others of the project, used from one loop."""

    @property
    def process(self) -> str:
        """The id of this process, unique for its life."""

    @property
    def last_sequence(self) -> int:
        """The sequence number of the newest record published here; 0 before the first."""

    async def start(self, receive: ReceiveRecord, report_gap: ReportGap | None = None) -> None:
        """Begin to receive and to send. A layer that is down is tried again, not an error."""

    def publish(self, record: Record, report_sent: ReportSent | None = None) -> int:
        """Queue a record for every other process and return its sequence number at once.

        Raises:
            DeliveryError: As much waits as may wait, because the layer is down or slow.
        """

    async def flush(self, seconds: float) -> int:
        """Wait until what was published was sent or given up, for at most so long.

        Returns:
            How many records still wait.
        """

    async def stop(self, seconds: float) -> None:
        """Send what waits, for at most so long, then end."""
