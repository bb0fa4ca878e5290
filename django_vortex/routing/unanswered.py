"""Answer and log messages that no endpoint handles: `Unanswered`.

Takes requests without an endpoint, gives their answers.
"""

import datetime
from collections.abc import Callable, Sequence
from typing import Any, Final

from django_vortex.exceptions import UnknownEndpoint, did_you_mean, quoted
from django_vortex.logs import get_limited_logger
from django_vortex.routing.registered import Registered
from django_vortex.routing.replies import make_failure
from django_vortex.routing.request import Request
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.plain import is_true

logger = get_limited_logger(__name__)

MAX_KEYS: Final = 1_000
"""How many keys are written to the log; peers could think of more without end."""


class Unanswered:
    """Answers messages without an endpoint.

    Args:
        find_endpoints: Lists all endpoints there are.
    """

    def __init__(self, find_endpoints: Callable[[], Sequence[Registered]]) -> None:
        self._find_endpoints = find_endpoints
        self._told: set[Any] = set()

    def answer(self, request: Request, date: datetime.datetime) -> list[PayloadEnvelope]:
        """Return the answer, if there is one.

        Silence, as released clients expect it (PROTOCOL section 7). Our own are told, unless theirs
        is an answer itself that came too late: two ends must not tell each other for ever.
        """
        if not (request.result is None or is_true(request.result)):
            return []
        self._log(request)
        if not request.dialect.is_native or not request.wants_reply:
            return []
        error = UnknownEndpoint(f"No endpoint for {quoted(request.filt)}")
        return [make_failure(error, request, date)]

    def _log(self, request: Request) -> None:
        """Write each key once."""
        key = quoted(request.filt.get("key"))
        if key in self._told or len(self._told) >= MAX_KEYS:
            return
        self._told.add(key)
        logger.warning(
            "A peer named %s asks for %s, which no endpoint is for%s",
            quoted(request.peer.name),
            quoted(request.filt),
            self._get_reason(request.filt.get("key")),
        )

    def _get_reason(self, key: object) -> str:
        endpoints = self._find_endpoints()
        same = [one for one in endpoints if one.filt["key"] == key]
        if same:
            filts = " or ".join(quoted(one.filt) for one in same[:3])
            return f". Those of this key want {filts}, or do not hear peers of this name"
        return did_you_mean(key, {one.filt["key"] for one in endpoints})
