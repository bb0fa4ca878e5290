"""Beats and silence: when to say that we live, and when the other end does not.

Takes the times at which something came and was written, gives what is due.
"""

from __future__ import annotations

from typing import Final

BEAT_SECONDS: Final = 10.0
"""After so long without a word of ours a beat is due."""

SILENT_SECONDS: Final = 25.0
"""After so long without a byte of the server's the connection is taken for dead.

Two and a half times the longest period of a server's beats.
"""


class Liveness:
    """When the two ends of one connection have last been heard.

    Any byte counts as life, not only beats: a long answer on a thin line holds up the beats.
    """

    def __init__(self, now: float, *, silent_seconds: float = SILENT_SECONDS) -> None:
        self._heard_at = now
        self._spoke_at = now
        self._silent_seconds = silent_seconds

    def hear(self, now: float) -> None:
        """Note that something came."""
        self._heard_at = now

    def speak(self, now: float) -> None:
        """Note that something was written."""
        self._spoke_at = now

    def is_beat_due(self, now: float) -> bool:
        """Return whether the server would soon take us for dead."""
        return now - self._spoke_at >= BEAT_SECONDS

    def is_silent(self, now: float) -> bool:
        """Return whether the server has said nothing for too long."""
        return now - self._heard_at >= self._silent_seconds
