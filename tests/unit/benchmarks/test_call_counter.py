import asyncio
import base64
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.call_counter import CallCounter


def count(run: Callable[[], object]) -> dict[str, int]:
    counter = CallCounter(Path(__file__).parent)
    with counter.counting():
        run()
    return {code.co_name: calls for code, calls in counter.calls.items()}


def double(number: int) -> int:
    return 2 * number


def numbers() -> Iterator[int]:
    yield from range(5)


def test_each_call_counts() -> None:
    def run() -> None:
        for number in range(3):
            double(number)

    assert count(run) == {"run": 1, "double": 3}


def test_resumption_is_no_call() -> None:
    async def rest() -> None:
        for _ in range(4):
            await asyncio.sleep(0)

    def run() -> None:
        list(numbers())
        list(numbers())
        asyncio.run(rest())

    assert count(run) == {"run": 1, "numbers": 2, "rest": 1}


def test_comprehension_is_no_call_and_what_it_calls_is() -> None:
    def run() -> list[int]:
        return [double(number) for number in range(3)]

    assert count(run) == {"run": 1, "double": 3}


def test_thread_counts() -> None:
    def run() -> None:
        thread = threading.Thread(target=double, args=(1,))
        thread.start()
        thread.join()

    assert count(run) == {"run": 1, "double": 1}


def test_functions_of_other_directories_do_not_count() -> None:
    assert count(lambda: base64.b64encode(b"x")) == {"<lambda>": 1}
