import asyncio

import pytest

from django_vortex.routing.loop_turn import TURN_WEIGHT, LoopTurn


async def test_no_more_is_begun_in_a_turn_than_there_is_room_for() -> None:
    turn = LoopTurn()
    turns: dict[int, list[int]] = {}
    current = 0

    async def work(number: int) -> None:
        await turn.wait(TURN_WEIGHT // 2)
        turns.setdefault(current, []).append(number)

    tasks = [asyncio.ensure_future(work(number)) for number in range(7)]
    while not all(task.done() for task in tasks):
        current += 1
        await asyncio.sleep(0)
    assert [numbers for _, numbers in sorted(turns.items())] == [[0, 1], [2, 3], [4, 5], [6]]


async def test_who_goes_away_takes_nobodys_place() -> None:
    turn = LoopTurn()
    first, leaving, staying = (asyncio.ensure_future(turn.wait(TURN_WEIGHT)) for _ in range(3))
    await asyncio.sleep(0)
    assert [task.done() for task in (first, leaving, staying)] == [True, False, False]
    leaving.cancel()
    await staying
    assert leaving.cancelled()


def test_loop_that_ended_in_the_middle_of_a_turn_leaves_nothing_to_the_next() -> None:
    turn = LoopTurn()
    for _ in range(3):
        asyncio.run(asyncio.wait_for(turn.wait(TURN_WEIGHT), 60))


def test_without_a_loop_there_is_nobody_to_wait_for() -> None:
    waiting = LoopTurn().wait(2 * TURN_WEIGHT)
    with pytest.raises(StopIteration):
        waiting.send(None)
