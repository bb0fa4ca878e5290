"""``python -m benchmarks``: run everything, print the table, write ``bench.json``."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Final

from benchmarks.against_base import compare_with_base
from benchmarks.alone import measure_alone
from benchmarks.results import Result, format_table

COMPARED: Final = ("codec", "crud", "dispatch", "round_trips", "broadcast", "memory")
"""Those that have operations which can be compared with another commit."""

MODULES: Final = (
    *COMPARED,
    "sessions",
    "killing",
    "calls",
    "native",
    "client",
    "watches",
    "capture",
    "live",
    "hostile",
)


def main() -> None:
    """Run the chosen benchmarks one after another."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="module", help=", ".join(MODULES))
    parser.add_argument("--base", metavar="COMMIT", help="compare with the package of a commit")
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    arguments = parser.parse_args()
    for name in arguments.modules:
        if name not in MODULES:
            parser.error(f"There is no benchmark {name!r}; there are {', '.join(MODULES)}")
    base: str | None = arguments.base
    results: list[Result] = []
    for name in arguments.modules or (MODULES if base is None else COMPARED):
        start = time.monotonic()
        results += measure_alone(name) if base is None else compare_with_base(base, name)
        sys.stderr.write(f"{name}: {time.monotonic() - start:.0f} s\n")
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")
    sys.stdout.write(format_table(results) + "\n")


if __name__ == "__main__":
    main()
