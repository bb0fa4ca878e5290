"""Limit the processor time of a peer: a share of the time, with a burst after a pause."""


class Account:
    """The seconds that were used, reduced by the share as time goes by.

    Args:
        share: How much of one processor may be used in the long run, from 0 to 1.
        burst: Seconds that may be used at once.
    """

    __slots__ = ("_burst", "_paid_at", "_share")

    def __init__(self, share: float, burst: float) -> None:
        self._share = share
        self._burst = burst / share
        self._paid_at = float("-inf")

    def charge(self, seconds: float, now: float) -> None:
        """Count what was used."""
        self._paid_at = max(self._paid_at, now) + seconds / self._share

    def get_start(self, now: float) -> float:
        """Return when more may be used, now or later."""
        return max(now, self._paid_at - self._burst)

    def has_no_debt(self, now: float) -> bool:
        """Return whether everything that was used has been paid back by the passing of time."""
        return self._paid_at <= now
