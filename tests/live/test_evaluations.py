"""What evaluations may do, and what they see."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from django.db import connections

from django_vortex.exceptions import HandlerError
from django_vortex.live.evaluator import Evaluator
from django_vortex.live.questions import Evaluation, Question, Scope
from django_vortex.live.sources import Sources
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import AllowAny
from django_vortex.routing.request import Request
from django_vortex.routing.watchable import PER_USER, Watchable
from django_vortex.transports.evaluating import DjangoEnvironment
from tests.live.django_models import Label, Team
from tests.live.django_place import Place


async def run_in_thread(function: Callable[[], Any]) -> Any:
    """Run in a thread as the server does, which must leave its connections as they were."""

    def run() -> Any:
        try:
            result = function()
            for connection in connections.all(initialized_only=True):
                assert not connection.in_atomic_block
                assert connection.get_autocommit()
            return result
        finally:
            connections.close_all()

    return await asyncio.to_thread(run)


def evaluate(
    *functions: Callable[[Request], Any], watchable: Watchable = PER_USER
) -> list[Evaluation]:
    payload_io = PayloadIO()
    payload_io.bind(run_sync=run_in_thread)
    evaluator = Evaluator(payload_io, DjangoEnvironment(lambda uuid: None), Sources())
    endpoints = [
        PayloadEndpoint(
            {"key": f"test.{index}"},
            function,
            permission=AllowAny(),
            payload_io=payload_io,
            watchable=watchable,
        )
        for index, function in enumerate(functions)
    ]
    scope = Scope(is_shared=True)
    asked = [(Question(str(one), scope, one, dict(one.filt)), None) for one in endpoints]
    return list(asyncio.run(_evaluate(evaluator, asked)))


async def _evaluate(evaluator: Evaluator, asked: Any) -> Sequence[Evaluation]:
    return await evaluator(asked)


def _try(function: Callable[[], Any]) -> None:
    with suppress(HandlerError):
        function()


WRITES: dict[str, Callable[[Place], Any]] = {
    "create": lambda place: Team.objects.create(name="x"),
    "update": lambda place: Label.objects.update(weight=77),
    "delete": lambda place: Label.objects.all().delete(),
    "text": lambda place: place.execute("UPDATE live_label SET weight = 77"),
    "unknown table": lambda place: place.execute("CREATE TABLE strange (x integer)"),
    "within a try": lambda place: _try(partial(Label.objects.update, weight=77)),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_evaluation_writes_nothing(place: Place, write: Callable[[Place], Any]) -> None:
    before = place.read()

    def answer(request: Request) -> list[Any]:
        list(Team.objects.all())
        write(place)
        return []

    [evaluation] = evaluate(answer)
    assert evaluation.answer is None
    assert evaluation.is_final
    assert "only reads" in str(evaluation.error)
    assert place.read() == before


def test_evaluation_that_reads_what_nobody_knows(place: Place) -> None:
    """A change of it would never be told; `depends_on` says what it stands for."""
    place.execute_past_django("CREATE TABLE no_model_of_it (id integer)")

    def answer(request: Request) -> list[Any]:
        place.execute("SELECT * FROM no_model_of_it")
        return []

    [evaluation] = evaluate(answer)
    assert evaluation.answer is None
    assert evaluation.is_final
    assert "'SELECT * FROM no_model_of_it'. Say which tables" in str(evaluation.error)
    [evaluation] = evaluate(answer, watchable=replace(PER_USER, depends_on=(Team,)))
    assert evaluation.error is None
    assert "live_team" in {one.table.name for one in evaluation.dependencies}


def test_evaluation_that_failed_spoils_no_other(place: Place) -> None:
    def fail(request: Request) -> list[Any]:
        place.execute("SELECT * FROM no_such_table")
        return []

    def read(request: Request) -> list[Any]:
        return list(Team.objects.values_list("name", flat=True))

    first, second, third = evaluate(read, fail, read)
    assert (first.error, third.error) == (None, None)
    assert second.error is not None
    assert not second.is_final


def test_evaluation_sees_one_state(on_postgres: Place) -> None:
    seen = []

    def read(request: Request) -> list[Any]:
        seen.append(Team.objects.count())
        on_postgres.execute_past_django("INSERT INTO live_team (name) VALUES ('late')")
        seen.append(Team.objects.count())
        return []

    evaluate(read)
    assert seen[0] == seen[1]
    assert Team.objects.count() == seen[0] + 1


def test_function_that_writes_is_refused_by_postgresql(on_postgres: Place) -> None:
    on_postgres.execute_past_django(
        "CREATE FUNCTION bump() RETURNS integer LANGUAGE sql"
        " AS 'UPDATE live_label SET weight = 78 RETURNING 1'"
    )
    before = on_postgres.read()
    [evaluation] = evaluate(partial(_execute, on_postgres, "SELECT bump()"))
    assert evaluation.answer is None
    assert on_postgres.read() == before


def _execute(place: Place, text: str, request: Request) -> list[Any]:
    place.execute(text)
    return []
