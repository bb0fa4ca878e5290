"""``python -m benchmarks``: run everything, print the table, write ``bench.json``."""

import argparse
import importlib
import json
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from benchmarks.results import Result, format_table

MODULES: Final = ("codec", "dispatch", "round_trips", "broadcast", "memory")


def main() -> None:
    """Run the chosen benchmarks one after another."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("modules", nargs="*", default=MODULES, metavar="module", choices=MODULES)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    arguments = parser.parse_args()
    results: list[Result] = []
    for name in arguments.modules:
        start = time.monotonic()
        results += _measure_alone(name)
        sys.stderr.write(f"{name}: {time.monotonic() - start:.0f} s\n")
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")
    sys.stdout.write(format_table(results) + "\n")


def _measure_alone(name: str) -> list[Result]:
    """Measure in a fresh process, so that no module sees what another has imported or patched."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measure, name).result()


def _measure(name: str) -> list[Result]:
    results: list[Result] = importlib.import_module(f"benchmarks.{name}").measure()
    return results


if __name__ == "__main__":
    main()
