"""Comparison with another commit: the same operations over the package of both, in turn.

Takes a commit, gives a line for each operation: processor time now and there. What is compared are
pairs: in each round every module runs in a fresh process over either package, line by line in
turn, so that neither the layout of one process nor what else the machine does decides.
"""

import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.results import Result, significant

ROUNDS: Final = 15
"""Pairs of every line, each of two fresh processes; fewer than 5 give no bound."""

CONFIDENCE: Final = 0.95

REGRESSION: Final = 1.05
"""Slower than the base by more than this factor, with `CONFIDENCE`, is a regression."""

TREE: Final = Path(__file__).parent.parent
PACKAGE: Final = "django_vortex"


def compare_with_base(commit: str, module: str, *, rounds: int = ROUNDS) -> list[Result]:
    """Measure the operations of a module over the working tree's package and a commit's.

    Args:
        commit: Anything that git knows as one.
        module: Name of a module with ``operations()``.
        rounds: Pairs of every line.

    Raises:
        RuntimeError: The package of the commit cannot do what the operations want of it.
    """
    with tempfile.TemporaryDirectory() as directory:
        pairs = _measure_pairs(module, _lay_out(commit, Path(directory)), rounds)
    return [_to_result(line, measured) for line, measured in pairs.items()]


def lower_bound(values: Sequence[float], confidence: float = CONFIDENCE) -> float:
    """Return the lower bound of the median that holds with a probability of ``confidence``.

    It is an order statistic: of independent values so many are below their true median as coins
    fall on one side, whatever their distribution is.

    Returns:
        The bound; minus infinity where there are too few values for one.
    """
    count = len(values)
    below = 0.0
    bound = -math.inf
    for index, value in enumerate(sorted(values)):
        below += math.comb(count, index) / 2**count
        if below > 1 - confidence:
            break
        bound = value
    return bound


def _to_result(line: str, measured: Sequence[tuple[float, float]]) -> Result:
    """Make the line of one operation of its pairs of seconds, now and there."""
    now, base = (statistics.median(side) for side in zip(*measured, strict=True))
    slower = [one / other for one, other in measured]
    bound = lower_bound(slower)
    return {
        "name": f"{line}, processor time against the base",
        "ours": significant(now * 1e6),
        "theirs": significant(base * 1e6),
        "unit": "us",
        "ratio": significant(1 / statistics.median(slower)),
        "goal": significant(1 / REGRESSION),
        "met": bound <= REGRESSION,
        "slower_by_at_least": significant(bound),
    }


def _lay_out(commit: str, directory: Path) -> dict[str, Path]:
    """Put the two packages into folders of their own."""
    packages = {"now": directory / "now", "base": directory / "base"}
    for folder in packages.values():
        folder.mkdir()
    shutil.copytree(TREE / PACKAGE, packages["now"] / PACKAGE)
    archive = subprocess.run(
        ["git", "archive", commit, PACKAGE], cwd=TREE, check=True, stdout=subprocess.PIPE
    )
    subprocess.run(["tar", "-x"], cwd=packages["base"], check=True, input=archive.stdout)
    return packages


def _measure_pairs(
    module: str, packages: dict[str, Path], rounds: int
) -> dict[str, list[tuple[float, float]]]:
    pairs: dict[str, list[tuple[float, float]]] = {}
    for number in range(rounds):
        with (
            _running(module, packages["now"]) as now,
            _running(module, packages["base"]) as base,
        ):
            lines = now.lines
            if base.lines != lines:
                raise RuntimeError(f"Lines of {module} differ: {base.lines}, {lines}")
            for line in lines:
                if number % 2:
                    measured = now.measure(line), base.measure(line)
                else:
                    there = base.measure(line)
                    measured = now.measure(line), there
                pairs.setdefault(line, []).append(measured)
    return pairs


class _Side:
    """A process that measures over one package."""

    def __init__(self, process: "subprocess.Popen[str]", module: str) -> None:
        self._process = process
        self._module = module
        self.lines: list[str] = json.loads(self._read())

    def measure(self, line: str) -> float:
        """Return the processor seconds of one operation."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return float(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        text = self._process.stdout.readline()
        if not text:
            raise RuntimeError(f"Benchmark {self._module} ended, see what it said above")
        return text


@contextmanager
def _running(module: str, package: Path) -> Iterator[_Side]:
    """Run a process for a module over a package for the length of the block."""
    path = os.pathsep.join([str(package), str(TREE)])
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.operation_process", module, str(package)],
        cwd=package,
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield _Side(process, module)
    finally:
        process.communicate()  # which closes its input, and so ends it
