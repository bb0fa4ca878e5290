"""Counting the calls of functions in some files, in all threads.

``sys.setprofile`` reports each start and each resumption of a frame. A generator or coroutine
counts when it starts, not when it is resumed, and a comprehension not at all, which is a function
in Python 3.11 only. What ``exec`` makes (compiled codecs, methods of dataclasses) is in no file.
"""

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

_COMPREHENSIONS: Final = {"<listcomp>", "<setcomp>", "<dictcomp>"}


class CallCounter:
    """Counts calls of functions whose source is below a directory.

    Attributes:
        calls: By function, since they were last cleared.
    """

    def __init__(self, directory: Path) -> None:
        self.calls: Counter[CodeType] = Counter()
        self._prefix = str(directory) + os.sep
        self._starts: dict[CodeType, int] = {}

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count while the block lasts, in this thread and in those that start meanwhile."""
        before, before_in_threads = sys.getprofile(), threading.getprofile()
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(before)
            threading.setprofile(before_in_threads)  # type: ignore[arg-type]

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(self._prefix):
            return
        # The first call of a code is a start; a frame that is resumed stands farther behind.
        is_start = frame.f_lasti == self._starts.setdefault(code, frame.f_lasti)
        if is_start and code.co_name not in _COMPREHENSIONS:
            self.calls[code] += 1
