"""Observers of all releases of VortexPY that can run here, over each transport."""

import uuid
from typing import Any

import pytest

from tests.interop.conftest import CLIENTS
from tests.interop.originals.driver import OriginalClient, OriginalFailed
from tests.interop.samples import VALUES
from tests.support.waiting import wait_until

OBSERVABLE = "example"
"""The name of the server, under which queries are found unless they say otherwise."""

OBSERVERS = [one for one in CLIENTS if not one.values[0][0].is_oldest]

pytestmark = pytest.mark.parametrize("client", OBSERVERS, indirect=True, scope="module")


def test_a_poll_gives_the_answer_for_its_arguments(client: OriginalClient) -> None:
    observer = client.observe(OBSERVABLE)
    assert observer.poll("e2e.first", start=7) == [7]
    assert observer.poll("e2e.nearest", day="2024-01-02", price=1.5) == ["2024-01-02", 3.0]


def test_a_poll_with_wrong_arguments_fails_with_the_reason(client: OriginalClient) -> None:
    observer = client.observe(OBSERVABLE)
    with pytest.raises(OriginalFailed, match="Argument 'start': Expected `int`, got 'x'"):
        observer.poll("e2e.first", start="x")
    with pytest.raises(OriginalFailed, match=r"No query answers 'e2e\.frist' here"):
        observer.poll("e2e.frist", start=1)


def test_an_additional_filt_finds_another_query(client: OriginalClient) -> None:
    observer = client.observe("plugin", additional_filt={"$dict": [["plugin", "e2e"]]})
    assert observer.poll("e2e.of_plugin") == ["here"]


@pytest.fixture
def shelf() -> str:
    """The name of a shelf that no other test fills."""
    return uuid.uuid4().hex


def fill(client: OriginalClient, shelf: str, *values: Any) -> None:
    reply = client.request_again({"key": "e2e.fill_shelf", "name": shelf}, list(values))
    assert reply.told is None


def test_an_observer_is_shown_the_answer_and_each_change(
    client: OriginalClient, shelf: str
) -> None:
    observer = client.observe(OBSERVABLE)
    all_numbers = observer.subscribe("e2e.shelf", name=shelf)
    large = observer.subscribe("e2e.shelf", name=shelf, least=5)
    count = observer.subscribe("e2e.shelf_count", name=shelf)
    observer.wait_for(all_numbers, [])
    observer.wait_for(count, [0])
    fill(client, shelf, 1, 7)
    observer.wait_for(all_numbers, [1, 7])
    observer.wait_for(large, [7])
    observer.wait_for(count, [2])
    fill(client, shelf, 2, 7)
    observer.wait_for(all_numbers, [2, 7])
    assert observer.seen(large) == [[], [7]], "what has not changed is not sent"
    assert observer.seen(count) == [[0], [2]]
    observer.shutdown()


def test_all_values_are_pushed_as_they_are_polled(client: OriginalClient, shelf: str) -> None:
    observer = client.observe(OBSERVABLE)
    kept = observer.subscribe("e2e.kept", name=shelf)
    observer.wait_for(kept, [])
    fill(client, shelf, *VALUES)
    observer.wait_for(kept, VALUES)
    assert observer.poll("e2e.kept", name=shelf) == VALUES
    observer.shutdown()


def test_who_unsubscribes_is_shown_nothing_more(client: OriginalClient, shelf: str) -> None:
    observer = client.observe(OBSERVABLE)
    ended = observer.subscribe("e2e.shelf", name=shelf)
    going_on = observer.subscribe("e2e.shelf_count", name=shelf)
    observer.wait_for(ended, [])
    observer.wait_for(going_on, [0])
    observer.unsubscribe(ended)
    count = 0

    def shows_nothing() -> bool:
        nonlocal count
        count += 1
        seen = observer.seen(ended)
        fill(client, shelf, *range(count))
        observer.wait_for(going_on, [count])
        return observer.seen(ended) == seen

    wait_until(shows_nothing, "the end of the subscription")  # POSTs may overtake each other
    seen = observer.seen(ended)
    assert shows_nothing()
    assert observer.seen(ended) == seen
    observer.shutdown()


def test_observers_of_one_client_do_not_end_each_other(client: OriginalClient, shelf: str) -> None:
    first = client.observe(OBSERVABLE, name="first")
    second = client.observe(OBSERVABLE, name="second")
    of_first = first.subscribe("e2e.shelf", name=shelf)
    first.wait_for(of_first, [])
    of_second = second.subscribe("e2e.shelf", name=shelf)
    second.wait_for(of_second, [])
    first.unsubscribe(of_first)
    for count in range(1, 4):
        fill(client, shelf, *range(count))
        second.wait_for(of_second, list(range(count)))
    first.shutdown()
    second.shutdown()


def test_a_wrong_argument_is_told_and_nothing_is_observed(
    client: OriginalClient, shelf: str
) -> None:
    heard = client.listen({"key": "tupleDataObservable", "name": OBSERVABLE})
    observer = client.observe(OBSERVABLE)
    observer.subscribe("e2e.shelf", name=5)
    (told,) = heard.wait_for(1)
    assert told.told == "Argument 'name': Expected `str`, got 5"
    observer.shutdown()
