"""Run the rest of a coroutine that was stepped by hand until it blocked.

Most writes to a socket do not block. ``coroutine.send(None)`` runs such a write at once for a third
of what a task costs, and keeps the order of what is written without any lock. What it gives when
the write does block goes to `resume`, in a task.
"""

import types
from collections.abc import Coroutine, Generator
from typing import Any


@types.coroutine
def resume(coroutine: Coroutine[Any, Any, None], waited: Any) -> Generator[Any, Any]:
    """Run the rest of a coroutine; to be awaited in a task.

    Args:
        coroutine: One that ``send(None)`` was called on.
        waited: What that gave: the future that the coroutine waits for.
    """
    while True:
        try:
            value = yield waited
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as error:  # cancellation above all, which is the coroutine's matter
            try:
                waited = coroutine.throw(error)
            except StopIteration:
                return
            continue
        try:
            waited = coroutine.send(value)
        except StopIteration:
            return
