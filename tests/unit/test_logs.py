import logging
from collections.abc import Iterator

import pytest

from django_vortex.logs import MAX_KINDS, RateLimit, get_limited_logger


class Written(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.tracebacks = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.tracebacks += record.exc_info is not None


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def logger(clock: Clock, written: Written) -> Iterator[logging.Logger]:
    logger = logging.Logger("limited")
    logger.addHandler(written)
    logger.addFilter(RateLimit(records=3, tracebacks=1, seconds=60, clock=clock))
    yield logger


def fail(text: str) -> None:
    raise ValueError(text)


def test_same_message_is_written_so_many_times(logger: logging.Logger, written: Written) -> None:
    for number in range(100):
        logger.warning("Refused %d", number)
    assert written.lines == ["Refused 0", "Refused 1", "Refused 2"]


def test_other_messages_have_a_count_of_their_own(logger: logging.Logger, written: Written) -> None:
    for number in range(10):
        logger.warning("Refused %d", number)
    logger.warning("Something else")
    assert written.lines[-1] == "Something else"


def test_next_period_says_what_was_left_out(
    logger: logging.Logger, written: Written, clock: Clock
) -> None:
    for number in range(10):
        logger.warning("Refused %d", number)
    clock.now = 60.0
    logger.warning("Refused %d", 10)
    logger.warning("Refused %d", 11)
    assert written.lines[3:] == ["Refused 10 [7 more of these were left out]", "Refused 11"]


def test_same_traceback_is_written_once(logger: logging.Logger, written: Written) -> None:
    for number in range(3):
        try:
            fail(str(number))
        except ValueError:
            logger.exception("Failed (ref %d)", number)
    assert written.tracebacks == 1
    assert written.lines[1] == "Failed (ref 1) [traceback as before]"


def test_traceback_from_elsewhere_is_written(logger: logging.Logger, written: Written) -> None:
    for wrong in ("int('x')", "[][0]"):
        try:
            eval(wrong)
        except (ValueError, IndexError):
            logger.exception("Failed")
    assert written.tracebacks == 2


def test_memory_is_bounded(logger: logging.Logger) -> None:
    [limit] = [one for one in logger.filters if isinstance(one, RateLimit)]
    for number in range(MAX_KINDS * 2):
        logger.warning(f"Message {number}")
    assert len(limit._counts) <= MAX_KINDS


def test_logger_gets_one_limit() -> None:
    logger = get_limited_logger("django_vortex.test_logs")
    assert get_limited_logger("django_vortex.test_logs") is logger
    assert len(logger.filters) == 1
