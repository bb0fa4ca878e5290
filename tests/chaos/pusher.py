"""A process without a server that pushes: ``python -m tests.chaos.pusher``.

Takes the run and the pushes a second; when its input ends it prints how many there were.
"""

import random
import select
import sys
import time

import django

django.setup()

from django_vortex import Payload, send  # noqa: E402
from tests.e2e.app.counted import PUSHED  # noqa: E402

SOURCE = "outside"


def main(run: str, rate: float) -> None:
    """Push."""
    begun, number = time.monotonic(), 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        if number >= rate * (time.monotonic() - begun):
            time.sleep(0.002)
            continue
        filling = "x" * random.randrange(300)
        send(Payload({"key": PUSHED, "run": run, "source": SOURCE}, tuples=[number, filling]))
        number += 1
    sys.stdout.write(f"{number}\n")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
