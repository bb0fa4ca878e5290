"""Tasks that are kept end before what keeps them does."""

import asyncio

import pytest

from django_vortex.server import tasks
from django_vortex.server.tasks import Tasks


async def test_tasks_may_end_by_themselves() -> None:
    kept = Tasks()
    task = asyncio.create_task(asyncio.sleep(0, "done"))
    kept.keep(task)
    await kept.end(60)
    assert task.result() == "done"


async def test_tasks_that_do_not_end_are_cancelled_and_their_errors_are_read() -> None:
    async def fail_when_cancelled() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ArithmeticError("Cleaning up failed")

    kept = Tasks()
    waiting = asyncio.create_task(asyncio.Event().wait())
    failing = asyncio.create_task(fail_when_cancelled())
    for task in (waiting, failing):
        kept.keep(task)
    await asyncio.sleep(0)
    await kept.end(0)
    assert waiting.cancelled()
    assert isinstance(failing.exception(), ArithmeticError)


async def test_others_that_were_cancelled_are_waited_for_not_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "CANCEL_SECONDS", 0.01)
    going_on = asyncio.create_task(asyncio.Event().wait())
    await Tasks().end(0, [going_on])
    assert not going_on.done()
    going_on.cancel()
