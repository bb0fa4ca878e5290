"""Processes that are forked off while other threads are at work."""

import gc
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from django_vortex.locks import Lock
from django_vortex.logs import RateLimit
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.wire import collector
from django_vortex.wire.collector import collector_paused

SECONDS = 60


@contextmanager
def in_a_thread(context: Callable[[], AbstractContextManager[Any]]) -> Iterator[None]:
    """Let another thread be inside of a context meanwhile."""
    inside, release = threading.Event(), threading.Event()

    def be_inside() -> None:
        with context():
            inside.set()
            release.wait(SECONDS)

    thread = threading.Thread(target=be_inside)
    thread.start()
    assert inside.wait(SECONDS)
    try:
        yield
    finally:
        release.set()
        thread.join()


def run_in_child(work: Callable[[], object]) -> int:
    """Fork, let the child work, and return its exit code, negative if it hung."""
    child = os.fork()
    if not child:
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(SECONDS)
            code = 2 if work() is False else 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def make_record() -> logging.LogRecord:
    return logging.LogRecord("a", logging.INFO, "a.py", 1, "text", (), None)


def of_a_log() -> tuple[Lock, Callable[[], object]]:
    limit = RateLimit()
    return limit._lock, lambda: limit.filter(make_record())


def of_a_registry() -> tuple[Lock, Callable[[], object]]:
    payload_io = PayloadIO()
    return payload_io._lock, lambda: PayloadEndpoint({"key": "k"}, print, payload_io=payload_io)


def of_the_collector() -> tuple[Lock, Callable[[], object]]:
    def pause() -> None:
        with collector_paused():
            pass

    return collector._lock, pause


@pytest.mark.parametrize("user", [of_a_log, of_a_registry, of_the_collector])
def test_what_another_thread_held_is_free_in_a_forked_process(
    user: Callable[[], tuple[Lock, Callable[[], object]]],
) -> None:
    lock, work = user()
    with in_a_thread(lambda: lock):
        assert run_in_child(work) == 0


def test_what_the_forking_thread_holds_it_goes_on_to_hold() -> None:
    lock = Lock()

    def release() -> None:
        lock.__exit__(None, None, None)

    with lock:
        assert run_in_child(release) == 0


def test_lock_of_a_parent_stays_held() -> None:
    lock = Lock()
    with in_a_thread(lambda: lock):
        assert run_in_child(lambda: None) == 0
        assert not lock._lock.acquire(blocking=False)


def test_collector_works_in_a_process_forked_while_a_thread_lets_it_rest() -> None:
    with in_a_thread(collector_paused):
        assert not gc.isenabled()
        assert run_in_child(gc.isenabled) == 0
        assert not gc.isenabled()
    assert gc.isenabled()


def test_collector_rests_on_for_the_thread_that_forks() -> None:
    def is_resting() -> bool:
        return not gc.isenabled()

    with in_a_thread(collector_paused), collector_paused():
        assert run_in_child(is_resting) == 0
    assert gc.isenabled()


def test_processes_forked_while_threads_are_at_work_do_not_hang() -> None:
    works = [user()[1] for user in (of_a_log, of_a_registry, of_the_collector)]
    is_over = threading.Event()

    def work_on(work: Callable[[], object]) -> None:
        while not is_over.is_set():
            work()

    def work_all() -> bool:
        for work in works:
            work()
        return gc.isenabled()

    threads = [threading.Thread(target=work_on, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        assert {run_in_child(work_all) for _ in range(100)} == {0}
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
