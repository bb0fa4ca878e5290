"""What is shown of answers is made once, and kept while it is needed."""

from typing import Any

import pytest

from django_vortex.live.answers import make_answer
from django_vortex.live.questions import Question, Scope
from django_vortex.live.watch import Watch
from django_vortex.server.presentation import (
    KEPT_MILLISECONDS,
    LoadedPresentation,
    OwnPresentation,
    ShownAnswers,
)
from django_vortex.wire.codec import Codec
from django_vortex.wire.dialects import Dialect


class Bench:
    """Answers that are shown at times of the test's own."""

    def __init__(self) -> None:
        self.now = 1_000_000
        self.shown = ShownAnswers(lambda: self.now, lambda position: f"p:{position}")

    def watch(self, name: str, *rows: Any) -> Watch:
        endpoint: Any = None
        watch = Watch(Question(name, Scope(), endpoint, {"key": name}))
        watch.answer = make_answer(rows, False, Codec())
        watch.answered_at = 1
        return watch


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_peers_that_come_from_the_same_answer_share_a_delivery(bench: Bench) -> None:
    watch = bench.watch("a", 1, 2)
    first, second = (OwnPresentation(bench.shown, "a") for _ in range(2))
    assert first.get_delivery(watch, None) is second.get_delivery(watch, None)
    assert watch.answer is not None
    tag = watch.answer.tag
    assert first.get_delivery(watch, tag) is not first.get_delivery(watch, None)


def test_released_clients_with_the_same_filt_share_a_delivery(bench: Bench) -> None:
    watch = bench.watch("a", 1, 2)
    first, second = (
        LoadedPresentation(bench.shown, "n", {"key": "n"}, Dialect.D1, is_list=True)
        for _ in range(2)
    )
    assert first.get_delivery(watch, None) is second.get_delivery(watch, None)


def test_another_answer_or_position_is_another_delivery(bench: Bench) -> None:
    watch = bench.watch("a", 1, 2)
    presentation = OwnPresentation(bench.shown, "a")
    seen = [presentation.get_delivery(watch, None)]
    watch.answered_at = 2
    seen.append(presentation.get_delivery(watch, None))
    watch.answer = make_answer([3], False, Codec(), watch.answer)
    seen.append(presentation.get_delivery(watch, None))
    assert len(set(map(id, seen))) == 3
    assert [one.envelope.filt["at"] for one in seen] == ["p:1", "p:2", "p:2"]
    assert len(bench.shown) == 1


def test_what_nobody_has_needed_for_a_while_is_forgotten(bench: Bench) -> None:
    watches = [bench.watch(name, 1) for name in "abc"]
    for watch in watches:
        OwnPresentation(bench.shown, watch.question.name).get_delivery(watch, None)
    assert len(bench.shown) == 3
    bench.now += KEPT_MILLISECONDS - 1
    OwnPresentation(bench.shown, "a").get_delivery(watches[0], None)
    assert len(bench.shown) == 3
    bench.now += 1
    kept = OwnPresentation(bench.shown, "c").get_delivery(watches[2], None)
    assert len(bench.shown) == 2, "b is gone, a was used since, c is"
    assert kept.envelope.decode_payload(Codec()).tuples == [1]
    bench.shown.forget(watches[0])
    assert len(bench.shown) == 1
