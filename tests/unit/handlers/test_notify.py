"""Telling that answers have changed which no database knows of."""

import enum
from collections.abc import Iterator
from typing import Any

import pytest

from django_vortex.exceptions import DefinitionError
from django_vortex.handlers.notify import notify, notify_mapper
from django_vortex.handlers.query import query
from django_vortex.live.change_texts import read_changes, write_changes
from django_vortex.live.changes import Change
from django_vortex.live.dependencies import Dependency
from django_vortex.live.recording import recording
from django_vortex.live.telling import telling
from django_vortex.routing.request import Request
from tests.support.routing import Bench


class State(enum.Enum):
    OPEN = "open"
    CLOSED = "closed"


@pytest.fixture
def told() -> Iterator[list[Change]]:
    """What was told, in the place of a server."""
    found: list[Change] = []
    with telling.heard_by(found.extend):
        yield found


@pytest.fixture
def tickets(bench: Bench) -> Any:
    @query("tickets", payload_io=bench.payload_io)
    def tickets(
        request: Request, *, state: State = State.OPEN, ids: list[int] | None = None, page: int
    ) -> list[int]:
        return []

    return tickets


async def dependency_of(bench: Bench, **members: Any) -> Dependency:
    """Return what an evaluation of the query is recorded to read."""
    with recording() as recorder:
        await bench.ask_one({"key": "tickets", **members})
    [dependency] = recorder.reads
    return dependency


async def test_answers_with_the_arguments_that_are_told_are_concerned(
    bench: Bench, tickets: Any, told: list[Change]
) -> None:
    first = await dependency_of(bench, page=1)
    same = await dependency_of(bench, page=1, state="open")
    closed = await dependency_of(bench, page=1, state="closed", ids=[1])
    second = await dependency_of(bench, page=2)
    assert first == same
    for arguments, wanted in [
        ({}, [True, True, True]),
        ({"page": 1}, [True, True, False]),
        ({"page": 1, "state": State.OPEN}, [True, False, False]),
        ({"page": 1, "state": "closed", "ids": [1]}, [False, True, False]),
        ({"ids": None}, [True, False, True]),
        ({"page": 3}, [False, False, False]),
        ({"page": 1, "state": State.OPEN, "ids": None}, [True, False, False]),
        ({"page": 3, "state": State.OPEN, "ids": None}, [False, False, False]),
    ]:
        told.clear()
        notify(tickets, **arguments)
        [change] = told
        answers = first, closed, second
        assert [one.is_concerned_by(change) for one in answers] == wanted
        # Other processes get no values: they know which, where all arguments are told.
        codec = bench.payload_io.codec
        [read] = read_changes(write_changes([change], codec), codec)
        is_exact = len(arguments) == 3
        assert [one.is_concerned_by(read) for one in answers] == (
            wanted if is_exact else [True] * 3
        )


async def test_it_is_told_when_the_transaction_has_committed(
    bench: Bench, tickets: Any, told: list[Change]
) -> None:
    waiting: list[Any] = []
    bench.payload_io.bind(tell_with_commit=waiting.extend)
    notify(tickets)
    assert told == []
    assert [change.table.name for change in waiting] == ["tickets"]


async def test_an_answer_that_nobody_watches_is_not_recorded(bench: Bench, tickets: Any) -> None:
    await bench.ask_one({"key": "tickets", "page": 1})


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"pages": 1}, "Argument 'pages': There is no such argument. Did you mean 'page'?"),
        ({"page": "1"}, "Argument 'page': Expected `int`, got '1'"),
        ({"ids": [None]}, "Argument 'ids': Expected `int`, got None - at `ids[0]`"),
    ],
)
def test_wrong_arguments_are_the_mistake_of_who_tells(
    tickets: Any, told: list[Change], arguments: Any, text: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        notify(tickets, **arguments)
    assert text in str(caught.value)
    assert told == []


def test_only_queries_are_told_of(told: list[Change]) -> None:
    with pytest.raises(DefinitionError, match="is no query: decorate it with @query"):
        notify(dependency_of)
    with pytest.raises(DefinitionError, match="is no query: decorate it with @query"):
        notify_mapper(dependency_of)


def test_a_mapper_tells_of_derived_answers(bench: Bench, tickets: Any, told: list[Change]) -> None:
    @query("count", payload_io=bench.payload_io)
    def count(request: Request, *, state: State) -> int:
        return 0

    @notify_mapper(tickets)
    def derived(*, state: State | None = None, **others: Any) -> Any:
        if state is not None:
            yield count, {"state": state}
            yield count, {"state": State.CLOSED}

    @notify_mapper(count)
    def never(**arguments: Any) -> None:
        raise AssertionError("a mapper is not called for what a mapper gives")

    notify(tickets, state=State.OPEN)
    assert [change.table.name for change in told] == ["tickets", "count", "count"]
    assert told[1].new == {"state": '"open"'}
    told.clear()
    notify(tickets)
    assert [change.table.name for change in told] == ["tickets"]
    del derived, never
