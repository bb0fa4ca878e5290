"""Evaluate questions by asking their endpoints: `Evaluator`.

Takes questions, gives the tuples that their handlers return, what was read on the way, and what
went wrong. Plain handlers run in one thread after another, all others on the loop; the answers are
made where their tuples may be read.
"""

import asyncio
import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol, TypeAlias

from django_vortex.exceptions import (
    HandlerError,
    PeerError,
    PermissionDenied,
)
from django_vortex.live.answers import Answer, make_answer
from django_vortex.live.dependencies import Dependency
from django_vortex.live.named_tables import named_tables
from django_vortex.live.questions import Evaluation, Question, Scope
from django_vortex.live.recording import Recorder, recording
from django_vortex.live.sources import Sources
from django_vortex.live.threads import finishing
from django_vortex.live.verdicts import get_misuse, judge
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.permission import READING
from django_vortex.routing.replies import list_payload
from django_vortex.routing.request import Request
from django_vortex.routing.shared_peer import SharedPeer
from django_vortex.routing.watchable import NeedsLoop, refuse_to_wait
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.plain import is_true


class Reading(Protocol):
    """The transactions in which evaluations of one thread read."""

    def close(self) -> None:
        """End them."""


class Environment(Protocol):
    """What an evaluation runs in, of the framework."""

    def find_peer(self, scope: Scope) -> Peer | None:
        """Return who asks in a scope, as of now; may wait for a database.

        None is nobody: the user is gone, or may not log in any more.
        """

    def begin_reading(self) -> Reading:
        """Let what is evaluated in this thread from now on read in transactions of its own."""

    def entered(self, question: Question) -> AbstractContextManager[None]:
        """Return a context in which a question is evaluated, in this thread or task."""


class _Query(Request):
    """The request of an evaluation, whose reply is not written for any peer."""

    __slots__ = ()

    def encode(self, envelope: PayloadEnvelope, date: Any) -> None:
        """Leave the reply as it is: an answer is made of it."""


_Reader: TypeAlias = Callable[[Request], Any]
"""Answers in a thread."""


class Evaluator:
    """Evaluates questions; an `Evaluate`.

    Args:
        payload_io: Knows how to run what blocks, and what exceptions say to peers.
        environment: What evaluations run in.
        sources: Has the values that no database has.
    """

    def __init__(self, payload_io: PayloadIO, environment: Environment, sources: Sources) -> None:
        self._payload_io = payload_io
        self._environment = environment
        self._sources = sources

    async def __call__(
        self, asked: Sequence[tuple[Question, Answer | None]]
    ) -> Sequence[Evaluation]:
        """Return an evaluation of each; see `Evaluate`."""
        evaluations: list[Evaluation | None] = [None] * len(asked)
        readers = {
            index: reader
            for index, (question, _) in enumerate(asked)
            if (reader := _get_reader(question)) is not None
        }
        if readers:
            here = partial(self._evaluate_here, asked, readers, evaluations)
            await finishing(self._payload_io.run_sync)(here)
        if rest := [index for index, one in enumerate(evaluations) if one is None]:
            tasks = [asyncio.ensure_future(self._evaluate(*asked[index])) for index in rest]
            for index, evaluation in zip(rest, await asyncio.gather(*tasks), strict=True):
                evaluations[index] = evaluation
        return [one for one in evaluations if one is not None]

    def _evaluate_here(
        self,
        asked: Sequence[tuple[Question, Answer | None]],
        readers: Mapping[int, _Reader],
        evaluations: list[Evaluation | None],
    ) -> None:
        """Evaluate what plain functions answer, in this thread; what they cannot stays None."""
        reading = self._environment.begin_reading()
        try:
            for index, read in readers.items():
                evaluation = self._evaluate_plain(read, *asked[index])
                evaluations[index] = evaluation
                if evaluation is None or evaluation.error is not None:  # which may have ended it
                    reading.close()
                    reading = self._environment.begin_reading()
        finally:
            reading.close()

    def _evaluate_plain(
        self, read: _Reader, question: Question, previous: Answer | None
    ) -> Evaluation | None:
        begun = time.monotonic()
        with recording() as recorder:
            peer: Peer | None = None
            try:
                with self._environment.entered(question):
                    peer = self._prepare(question, recorder)
                    request = self._make_request(question, peer)
                    if not question.scope.is_shared:  # else each peer is asked about
                        _demand(question.endpoint.permission.allows(request, READING))
                    result = read(request)
                    if inspect.isawaitable(result):
                        refuse_to_wait(result)
                    answer = self._make_answer(question, result, previous)
                return judge(question, peer, recorder, begun, answer=answer)
            except NeedsLoop:
                return None
            except Exception as error:
                return self._fail(question, peer, recorder, begun, error)

    async def _evaluate(self, question: Question, previous: Answer | None) -> Evaluation:
        """Evaluate what has to run on the loop; in a task of its own, whose context this is."""
        begun = time.monotonic()
        run_sync = finishing(self._payload_io.run_sync)
        with recording() as recorder:
            peer: Peer | None = None
            try:
                with self._environment.entered(question):
                    peer = await run_sync(partial(self._prepare, question, recorder))
                    request = self._make_request(question, peer)
                    endpoint = question.endpoint
                    if not question.scope.is_shared:
                        _demand(await endpoint.permission.ask(request, READING, run_sync))
                    if endpoint.watchable is not None and endpoint.watchable.source is not None:
                        make = partial(endpoint.watchable.source, request)
                        result, dependency = await self._sources.get_newest(question, make)
                        recorder.reads.append(dependency)
                    elif endpoint.is_async:
                        result = await endpoint.handler(request)
                    else:
                        result = await run_sync(partial(endpoint.handler, request))
                        if inspect.isawaitable(result):
                            result = await result
                    answer = await run_sync(partial(self._make_answer, question, result, previous))
                return judge(question, peer, recorder, begun, answer=answer)
            except Exception as error:
                return self._fail(question, peer, recorder, begun, error)

    def _prepare(self, question: Question, recorder: Recorder) -> Peer:
        """Note what an answer is said to depend on, and return who asks."""
        watchable = question.endpoint.watchable
        if watchable is not None and watchable.depends_on:
            recorder.reads.extend(map(Dependency, named_tables.find(watchable.depends_on)))
        return self._find_peer(question)

    def _find_peer(self, question: Question) -> Peer:
        if question.scope.is_shared:
            return SharedPeer()
        peer = self._environment.find_peer(question.scope)
        if peer is None:
            raise PermissionDenied("You are not logged in any more")
        return peer

    def _make_request(self, question: Question, peer: Peer) -> Request:
        return _Query.for_push(question.filt, peer, self._payload_io.codec)

    def _make_answer(self, question: Question, result: Any, previous: Answer | None) -> Answer:
        """Make the answer of what a handler returned; may wait for a database."""
        codec = self._payload_io.codec
        watchable = question.endpoint.watchable
        is_one = watchable is not None and watchable.is_one is not None and watchable.is_one(result)
        if issubclass(type(result), PayloadEnvelope):
            if not (result.result is None or is_true(result.result)):
                raise HandlerError(str(result.result))
            tuples = result.decode_payload(codec).tuples
        else:
            tuples = list_payload(result, codec.registry).tuples
        return make_answer(tuples, is_one, codec, previous)

    def _fail(
        self,
        question: Question,
        peer: Peer | None,
        recorder: Recorder,
        begun: float,
        raised: Exception,
    ) -> Evaluation:
        error: PeerError | None = get_misuse(question, peer, recorder)
        if error is None:
            error = self._payload_io.explain(question.endpoint, "an evaluation", raised)
        return judge(question, peer, recorder, begun, error=error)


def _get_reader(question: Question) -> _Reader | None:
    """Return what answers in a thread, None if something has to be awaited for that."""
    endpoint = question.endpoint
    if endpoint.permission.is_awaited:
        return None
    if endpoint.watchable is not None and endpoint.watchable.read is not None:
        return endpoint.watchable.read
    return None if endpoint.is_async else endpoint.handler


def _demand(verdict: Any) -> None:
    if inspect.isawaitable(verdict):
        refuse_to_wait(verdict)
    if not verdict:
        raise PermissionDenied("You may not ask for this")
