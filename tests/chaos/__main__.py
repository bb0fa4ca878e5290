"""Many random runs, each seed once: ``python -m tests.chaos 1-50``; ``make chaos SEEDS=1-50``.

There are two kinds: ``live`` answers, and ``cuts`` of connections. Results are kept in a file, one
JSON object a line; seeds that are in it are not run again, so it goes on where it stopped. Other
processes that keep the machine busy find other mistakes.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.chaos import cuts, live
from tests.chaos.stage import open_servers, open_stage

RESULTS = Path("chaos.jsonl")
BAR_CHARACTERS = 40
KINDS = ("live", "cuts")


def read_seeds(text: str) -> list[int]:
    """Return the seeds of texts such as ``7``, ``1-50`` and ``1-3,9``."""
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def read_results(path: Path, kind: str) -> dict[int, dict[str, Any]]:
    """Return what is known of seeds already."""
    if not path.exists():
        return {}
    results = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return {one["seed"]: one for one in results if one.get("kind", "live") == kind}


def show(done: int, of: int, failed: int) -> None:
    """Show how far it is."""
    filled = BAR_CHARACTERS * done // max(of, 1)
    bar = "#" * filled + "-" * (BAR_CHARACTERS - filled)
    sys.stdout.write(f"\r[{bar}] {done} of {of}, {failed} wrong")
    sys.stdout.flush()


def run_live(seeds: list[int], directory: Path) -> Iterator[dict[str, Any]]:
    """Run seeds of live answers."""
    with open_stage(directory) as world:
        for seed in seeds:
            yield {"seed": seed, "wrong": asyncio.run(live.run(seed, world))}


def run_cuts(seeds: list[int], directory: Path) -> Iterator[dict[str, Any]]:
    """Run seeds of cut connections."""
    with open_servers(directory, cuts.VORTEX) as servers:
        for seed in seeds:
            wrong, told = asyncio.run(cuts.run(seed, servers))
            yield {"seed": seed, "wrong": wrong, **told}


def main(kind: str, seeds: list[int], path: Path) -> int:
    """Run what was not run; return how many seeds went wrong, also before."""
    known = read_results(path, kind)
    left = [seed for seed in seeds if seed not in known]
    failed = sum(bool(known[seed]["wrong"]) for seed in seeds if seed in known)
    show(len(seeds) - len(left), len(seeds), failed)
    if left:
        run = run_live if kind == "live" else run_cuts
        with tempfile.TemporaryDirectory() as directory:
            begun = time.monotonic()
            for number, result in enumerate(run(left, Path(directory)), len(seeds) - len(left) + 1):
                failed += bool(result["wrong"])
                seconds, begun = time.monotonic() - begun, time.monotonic()
                result = {"kind": kind, **result, "seconds": round(seconds, 1)}
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(result) + "\n")
                show(number, len(seeds), failed)
    sys.stdout.write("\n")
    for seed, result in sorted(read_results(path, kind).items()):
        if seed in seeds and result["wrong"]:
            sys.stdout.write(f"{kind} {seed}: {'; '.join(result['wrong'])[:2000]}\n")
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tests.chaos")
    parser.add_argument("seeds", help="Such as 1-50.")
    parser.add_argument("--kind", choices=KINDS, help="By default one after the other.")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    kinds = [options.kind] if options.kind else KINDS
    seeds = read_seeds(options.seeds)
    sys.exit(min(sum(main(kind, seeds, options.results) for kind in kinds), 1))
