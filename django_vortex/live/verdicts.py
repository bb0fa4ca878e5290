"""What an evaluation means for its watch: `judge`."""

import time
from typing import Final

from django_vortex.exceptions import (
    HandlerError,
    PeerError,
    PermissionDenied,
    TryAgain,
    ValidationError,
    WireError,
)
from django_vortex.live.answers import Answer
from django_vortex.live.merging import merge
from django_vortex.live.questions import Evaluation, NeedsPeer, Question
from django_vortex.live.recording import Recorder
from django_vortex.routing.peer import Peer
from django_vortex.routing.shared_peer import SharedPeer

_FINAL: Final = (PermissionDenied, ValidationError, WireError)
"""Errors that another evaluation would only repeat, whatever is in the database then."""


def judge(
    question: Question,
    peer: Peer | None,
    recorder: Recorder,
    begun: float,
    *,
    answer: Answer | None = None,
    error: PeerError | None = None,
) -> Evaluation:
    """Return what an evaluation means: whether it may be shown, and whether it is the last."""
    misuse = get_misuse(question, peer, recorder)
    if misuse is None and error is None:
        misuse = _get_unknown(question, recorder)
    return Evaluation(
        answer=answer if misuse is None else None,
        error=misuse or error,
        is_final=misuse is not None or isinstance(error, _FINAL),
        is_busy=isinstance(error, TryAgain),
        dependencies=merge(recorder.reads),
        seconds=time.monotonic() - begun,
    )


def get_misuse(question: Question, peer: Peer | None, recorder: Recorder) -> HandlerError | None:
    """Return why what an evaluation gave is good for nobody, whatever the handler made of it."""
    key = question.filt.get("key")
    if recorder.writes:
        table = recorder.writes[0].name
        return HandlerError(f"{key!r} writes to {table!r}; an answer that is watched only reads")
    if isinstance(peer, SharedPeer) and peer.is_looked_at:
        return NeedsPeer(f"{key!r} looks at who asks, and others share its answer")
    return None


def _get_unknown(question: Question, recorder: Recorder) -> HandlerError | None:
    """Return that an answer depends on something of which no change would be told."""
    watchable = question.endpoint.watchable
    if not recorder.unknown or (watchable is not None and watchable.depends_on):
        return None
    return HandlerError(
        f"{question.filt.get('key')!r} reads what no model is of: {recorder.unknown[0]!r}. Say "
        "which tables that is by depends_on="
    )
