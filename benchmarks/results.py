"""One line of the table: ours, theirs, and how many times better ours is.

``measure()`` of every benchmark module gives a list of the dicts made here; all of them together
are ``bench.json``.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping

Result = dict[str, str | float | bool]
"""A line of ``bench.json``: ``name, ours, theirs, unit, ratio, goal, met``."""


def compare(
    name: str,
    ours: float,
    theirs: float,
    unit: str,
    *,
    goal: float,
    is_less_better: bool = False,
) -> Result:
    """Make the line of one comparison.

    Args:
        name: What was measured and against what, as the reader of the table sees it.
        ours: Our median, in ``unit``.
        theirs: The other side's median, in ``unit``.
        unit: ``tuples/s``, ``ms``, ``kB/socket`` ...
        goal: The smallest ratio that is good enough, from ``goals``.
        is_less_better: True for times and sizes, False for rates.
    """
    ratio = theirs / ours if is_less_better else ours / theirs
    return {
        "name": name,
        "ours": significant(ours),
        "theirs": significant(theirs),
        "unit": unit,
        "ratio": significant(ratio),
        "goal": goal,
        "met": ratio >= goal,
    }


def interleave(measurements: Mapping[str, Callable[[], float]], *, rounds: int) -> dict[str, float]:
    """Run all ``measurements`` once per round and give the median of each.

    Taking turns means that whatever else the machine does in these seconds hits every side alike.
    """
    samples: dict[str, list[float]] = {name: [] for name in measurements}
    for _ in range(rounds):
        for name, measurement in measurements.items():
            samples[name].append(measurement())
    return {name: statistics.median(values) for name, values in samples.items()}


def significant(value: float) -> float:
    """Return ``value`` with the four digits that a measurement can mean."""
    return float(f"{value:.4g}")


def format_table(results: Iterable[Result]) -> str:
    """Return the lines as an aligned text table, one comparison a row."""
    rows = [("", "ours", "theirs", "unit", "ratio", "goal", "")]
    rows += [
        (
            str(result["name"]),
            f"{result['ours']:,}",
            f"{result['theirs']:,}",
            str(result["unit"]),
            f"{result['ratio']:.2f}",
            f"{result['goal']:g}",
            "met" if result["met"] else "MISSED",
        )
        for result in results
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    numbers = {1, 2, 4, 5}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
