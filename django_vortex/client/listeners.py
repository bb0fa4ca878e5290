"""Who wants to hear of what: filts of listeners, found by their key.

Takes the envelope of a push, gives it to everybody whose filt it contains; the counterpart of
`django_vortex.routing.index`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from django_vortex.routing.filt import FiltPattern, FiltView, check_filt
from django_vortex.typedefs import Filt
from django_vortex.wire.envelope import PayloadEnvelope

Deliver: TypeAlias = Callable[[PayloadEnvelope], object]
"""Takes a push; returns at once and does not raise."""


class Listener:
    """One registration; made by `Listeners.add`."""

    __slots__ = ("deliver", "key", "pattern")

    def __init__(self, filt: Filt, deliver: Deliver) -> None:
        checked = check_filt(filt)
        self.key: str = checked["key"]
        self.pattern = FiltPattern(checked)
        self.deliver = deliver


class Listeners:
    """All registrations of a client."""

    def __init__(self) -> None:
        self._by_key: dict[object, list[Listener]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))

    def add(self, filt: Filt, deliver: Deliver) -> Listener:
        """Register for everything that contains a filt.

        Raises:
            DefinitionError: The filt is no dict with a text under ``key``.
        """
        listener = Listener(filt, deliver)
        self._by_key.setdefault(listener.key, []).append(listener)
        return listener

    def remove(self, listener: Listener) -> None:
        """End a registration; nothing happens if it has ended already."""
        known = self._by_key.get(listener.key, [])
        if listener in known:
            known.remove(listener)
            if not known:
                del self._by_key[listener.key]

    def deliver(self, envelope: PayloadEnvelope) -> int:
        """Pass a push on to those who wait for it; return how many they were."""
        key = envelope.filt.get("key")
        known = self._by_key.get(key) if isinstance(key, str) else None
        if not known:
            return 0
        view = FiltView(envelope.filt)
        matching = [one for one in known if one.pattern.matches(view)]
        for listener in matching:
            listener.deliver(envelope)
        return len(matching)
