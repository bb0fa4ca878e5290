"""What holds for all tests.

pytest-asyncio runs in *auto* mode: a coroutine function is a test as it stands, an async fixture
needs no decorator of its own. Order is random (pytest-randomly; ``-p no:randomly`` or
``-p randomly -p "randomly_seed=N"`` reproduce one), and every warning is an error.
With ``CI`` in the environment a skip is a failure: there nothing may be missing.
"""

import logging
import os
import signal
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from django_vortex.live.telling import telling
from django_vortex.logs import RateLimit
from tests.interop.originals.releases import describe_releases

settings.register_profile("untimed", deadline=None)  # a busy machine makes no test fail
settings.register_profile("quick", deadline=None, max_examples=20)  # for `make check`
settings.load_profile("untimed")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts into the background so, and the servers of tests would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


# They need that version beside this one: `make matrix`.
collect_ignore = [] if "PREVIOUS_TREE" in os.environ else ["previous_version"]


def pytest_report_header() -> str:
    """Return which released clients are here; tests with the others are not collected."""
    return describe_releases()


@pytest.fixture(autouse=True)
def listener_stays() -> Iterator[None]:
    """Fail a test that leaves somebody else, or nobody, to listen to what is committed."""
    before = telling._listener
    yield
    left, telling._listener = telling._listener, before
    assert left == before, "Use telling.heard_by()"


IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")


def fail_when_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that repeats the reason of the skip."""
    if not IN_CI or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"Nothing may be skipped in CI. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_when_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_when_skipped(report)
    return report


@pytest.fixture(autouse=True)
def fresh_log_limits() -> None:
    """Let what other tests have written to the log count for nothing."""
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("django_vortex"):
            for one in logging.getLogger(name).filters:
                if isinstance(one, RateLimit):
                    one.forget()
