import asyncio
import json
from dataclasses import asdict

import pytest

from django_vortex.exceptions import HandlerError
from django_vortex.live.questions import Evaluation
from tests.support.virtual_time import run_in_virtual_time
from tests.unit.live.fakes import (
    TICKETS,
    FakeEvaluate,
    FakeSubscriber,
    answered,
    changed,
    make_question,
    make_watches,
    reads,
)

LONG = 1000.0


class Slow(FakeSubscriber):
    """Is shown everything and gets nothing."""

    def show(self, watch):
        pass


def test_watch_is_described_in_plain_data():
    async def main():
        rows = reads(
            TICKETS,
            equalities={"owner": frozenset({7}), "number": frozenset(range(20))},
            keys=frozenset({(1,), (2,)}),
            deciding=frozenset({"owner", "number"}),
        )
        evaluate = FakeEvaluate()
        evaluate.ready.append(answered("t", rows, reads(), seconds=0.5, rows=2, held_bytes=99))
        watches = make_watches(evaluate)
        watches.tell(changed())
        watches.subscribe(make_question("name", user="7"), FakeSubscriber())
        watches.subscribe(make_question("name", user="7"), Slow("other"))
        await asyncio.sleep(LONG)
        [one] = watches.describe()
        assert (one.name, one.filt, one.user, one.subscribers) == ("name", {"key": "name"}, "7", 2)
        assert (one.evaluations, one.failures, one.error, one.seconds) == (1, 0, None, 0.5)
        assert (one.tag, one.rows, one.bytes, one.position) == ("t", 2, 99, 1)
        assert not (one.is_stale or one.is_running or one.is_hanging)
        assert one.behind == 1
        assert one.seconds_behind == pytest.approx(LONG, abs=1.0)
        first, second = one.dependencies
        assert first.equalities["owner"] == ["7"]
        assert len(first.equalities["number"]) == 10
        assert (first.database, first.table, first.keys) == (*TICKETS, 2)
        assert first.columns == ["number", "owner"]
        assert (second.equalities, second.keys, second.columns) == ({}, None, None)
        json.dumps(asdict(one))

    run_in_virtual_time(main())


def test_lag_is_how_long_the_oldest_change_waits():
    async def main():
        evaluate = FakeEvaluate(reads(), seconds=10.0)
        watches = make_watches(evaluate)
        assert watches.lag().watches == 0
        watches.subscribe(make_question("a"), FakeSubscriber())
        watches.subscribe(make_question("b"), FakeSubscriber())
        await asyncio.sleep(3.0)
        lag = watches.lag()
        assert (lag.watches, lag.subscribers, lag.stale, lag.behind) == (2, 2, 2, 2)
        assert lag.seconds == pytest.approx(3.0, abs=0.1)
        await asyncio.sleep(LONG)
        assert (watches.lag().stale, watches.lag().seconds) == (0, 0.0)
        for _ in range(4):
            watches.tell(changed())
            await asyncio.sleep(1.0)
        assert watches.lag().stale == 2
        assert watches.lag().seconds == pytest.approx(4.0, abs=0.1)
        await asyncio.sleep(7.0)  # it has ended, and does not contain the later changes
        assert watches.lag().stale == 2
        assert 10.0 < watches.lag().seconds < 11.1
        await asyncio.sleep(LONG)
        assert watches.lag().seconds == 0.0

    run_in_virtual_time(main())


def test_lag_is_how_long_peers_have_not_been_sent_what_there_is():
    async def main():
        watches = make_watches(FakeEvaluate(reads()))
        watches.subscribe(make_question(), FakeSubscriber())
        watches.subscribe(make_question(), slow := Slow())
        await asyncio.sleep(5.0)
        assert watches.lag().behind == 1
        assert watches.lag().seconds == pytest.approx(5.0, abs=0.1)
        slow.tag = "t1"
        assert watches.lag().seconds == 0.0

    run_in_virtual_time(main())


def test_failures_are_told():
    async def main():
        evaluate = FakeEvaluate()
        failure = Evaluation(error=HandlerError("Broken"), dependencies=(reads(),), seconds=0.1)
        evaluate.ready += [failure] * 99
        watches = make_watches(evaluate)
        watches.subscribe(make_question(), FakeSubscriber())
        await asyncio.sleep(10.0)
        [one] = watches.describe()
        assert one.error == "Broken"
        assert one.failures == one.evaluations == 4
        assert (one.tag, one.rows, one.bytes) == (None, None, 0)
        assert watches.lag().failing == 1
        assert watches.lag().seconds == pytest.approx(10.0, abs=0.1)

    run_in_virtual_time(main())


def test_what_hangs_is_told():
    async def main():
        ended = asyncio.Event()

        async def evaluate(asked):
            try:
                await asyncio.Event().wait()
            finally:
                await ended.wait()

        watches = make_watches(evaluate, evaluation_seconds=5.0)
        watches.subscribe(make_question(), FakeSubscriber())
        await asyncio.sleep(1.0)
        assert watches.describe()[0].is_running
        await asyncio.sleep(9.0)
        [one] = watches.describe()
        assert one.is_hanging
        assert watches.lag().hanging == 1
        ended.set()
        await asyncio.sleep(0.1)
        assert watches.lag().hanging == 0
        watches.stop()

    run_in_virtual_time(main())
