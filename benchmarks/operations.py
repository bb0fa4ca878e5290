"""What is compared with another commit: processor time of single operations of ours.

A module that has such lines defines ``operations()``, a context manager that gives `Operations`. It
may use only what the package of the other commit has, too.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from benchmarks.load import run_command
from benchmarks.servers import OURS, SERVERS, run_server

Operation = Callable[[], float]
"""Does the work of a line for a fraction of a second; returns processor seconds per operation."""

Operations = Mapping[str, Operation]
"""Operations by the name of their line."""

SAMPLE_SECONDS: Final = 0.15
"""How long one sample of an operation in this process takes at least, in processor time."""


def in_process(run: Callable[[], object], *, operations: int = 1) -> Operation:
    """Return the operation of something that runs in this thread and waits for nothing.

    Args:
        run: Called again and again.
        operations: How many operations one call is.
    """

    def measure() -> float:
        calls = 0
        start = time.thread_time()
        while (seconds := time.thread_time() - start) < SAMPLE_SECONDS:
            run()
            calls += 1
        return seconds / (calls * operations)

    return measure


def in_server(
    runner: asyncio.Runner,
    port: int,
    run: Callable[[], Coroutine[Any, Any, None]],
    *,
    operations: int,
) -> Operation:
    """Return the operation of something that a server process does for the load client.

    Args:
        runner: Runs the load client.
        port: Of the server, whose application has the command ``used``.
        run: Lets the server do the work and waits for the end of it.
        operations: How many operations one call is.
    """

    async def measure() -> float:
        before = float(await run_command(port, "used"))
        await run()
        return (float(await run_command(port, "used")) - before) / operations

    return lambda: runner.run(measure())


@contextmanager
def in_servers(
    make_lines: Callable[[asyncio.Runner, str, int], Operations],
) -> Iterator[Operations]:
    """Return the operations of one server of each kind, which run meanwhile.

    Args:
        make_lines: Makes those of one: of the runner of the load client, its kind and its port.
    """
    lines: dict[str, Operation] = {}
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        for server in SERVERS:
            port = stack.enter_context(run_server(server, OURS)).port
            lines |= make_lines(runner, server, port)
        yield lines
