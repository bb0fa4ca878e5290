"""What evaluations may do, and what they see."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
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
from django_vortex.routing.watchable import PER_USER
from django_vortex.transports.evaluating import DjangoEnvironment
from tests.live.django_models import Label, Team
from tests.live.django_place import Place


async def run_here(function: Callable[[], Any]) -> Any:
    """Run in the thread of the test, whose connections it can look at."""
    return function()


def evaluate(*functions: Callable[[Request], Any]) -> list[Evaluation]:
    payload_io = PayloadIO()
    payload_io.bind(run_sync=run_here)
    evaluator = Evaluator(payload_io, DjangoEnvironment(lambda uuid: None), Sources())
    endpoints = [
        PayloadEndpoint(
            {"key": f"test.{index}"},
            function,
            permission=AllowAny(),
            payload_io=payload_io,
            watchable=PER_USER,
        )
        for index, function in enumerate(functions)
    ]
    scope = Scope(is_shared=True)
    asked = [(Question(str(one), scope, one, dict(one.filt)), None) for one in endpoints]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # the loop has nothing else to do
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
    assert not place.connection.in_atomic_block


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
    assert not place.connection.in_atomic_block


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


def test_connection_writes_again_afterwards(place: Place) -> None:
    evaluate(lambda request: list(Team.objects.values_list("name", flat=True)))
    Team.objects.create(name="afterwards")
    assert Team.objects.filter(name="afterwards").exists()
    assert connections[place.alias].get_autocommit()


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
