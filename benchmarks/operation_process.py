"""``python -m benchmarks.operation_process MODULE PACKAGE``: measures lines when asked to.

Writes the names of its lines as JSON; then for each name that comes as a line, the processor
seconds of an operation. PACKAGE is the directory that ``django_vortex`` has to come from.
"""

import contextlib
import gc
import importlib
import json
import sys
from pathlib import Path

import django_vortex


def main(module: str, package: str) -> None:
    """Measure what is asked for until the input ends."""
    found = Path(django_vortex.__file__).parent.parent.resolve()
    if found != Path(package).resolve():
        raise RuntimeError(f"Expected django_vortex of {package}, got that of {found}")
    output = sys.stdout
    with (
        contextlib.redirect_stdout(sys.stderr),
        importlib.import_module(f"benchmarks.{module}").operations() as operations,
    ):
        for measure in operations.values():
            measure()  # once for whatever is made at first use
        gc.collect()
        gc.freeze()
        print(json.dumps(list(operations)), file=output, flush=True)
        for line in sys.stdin:
            print(operations[line.strip()](), file=output, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
