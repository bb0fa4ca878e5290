"""Blocking code in the thread of a test sees no loop and leaves one as it was."""

import asyncio
import contextvars
import threading

import pytest

from django_vortex.testing.inline import run_in_test, run_inline

variable = contextvars.ContextVar("variable", default="unset")


async def test_a_function_runs_here_as_if_there_were_no_loop() -> None:
    def work() -> tuple[int, str]:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return threading.get_ident(), asyncio.run(coroutine())

    async def coroutine() -> str:
        return "of another loop"

    loop = asyncio.get_running_loop()
    assert await run_inline(work) == (threading.get_ident(), "of another loop")
    assert asyncio.get_running_loop() is loop


async def test_the_loop_is_back_after_a_failure() -> None:
    loop = asyncio.get_running_loop()
    with pytest.raises(ZeroDivisionError):
        await run_inline(lambda: 1 // 0)
    assert asyncio.get_running_loop() is loop


async def test_a_function_sees_the_context_and_does_not_change_it() -> None:
    variable.set("of the test")

    def work() -> str:
        seen = variable.get()
        variable.set("of the function")
        return seen

    assert await run_in_test(work) == "of the test"
    assert variable.get() == "of the test"
