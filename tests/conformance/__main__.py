"""All scenarios on all combinations: ``python -m tests.conformance``, ``make chaos``.

What follows is for pytest: ``python -m tests.conformance -k "cut and daphne"``.
"""

import os
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    command = [sys.executable, "-m", "pytest", str(Path(__file__).parent), *sys.argv[1:]]
    environment = {**os.environ, "CONFORMANCE": "all"}
    sys.exit(subprocess.run(command, env=environment, check=False).returncode)
