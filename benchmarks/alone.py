"""Measuring one module in a process of its own, so that none sees what another has imported."""

import importlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from benchmarks.results import Result


def measure_alone(name: str) -> list[Result]:
    """Return what ``measure()`` of a module of this package gives, run in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measure, name).result()


def _measure(name: str) -> list[Result]:
    results: list[Result] = importlib.import_module(f"benchmarks.{name}").measure()
    return results
