"""A process without a server that pushes: ``python -m tests.chaos.pusher``.

Takes the run, the source and the pushes a second; prints at the end of its input how many it made.
"""

import random
import select
import sys
import time

import django


def main(run: str, source: str, rate: float) -> None:
    """Push."""
    from django_vortex import Payload, send
    from tests.e2e.app.counted import PUSHED

    begun, number = time.monotonic(), 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        if number >= rate * (time.monotonic() - begun):
            time.sleep(0.002)
            continue
        filling = "x" * random.randrange(300)
        send(Payload({"key": PUSHED, "run": run, "source": source}, tuples=[number, filling]))
        number += 1
    sys.stdout.write(f"{number}\n")


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
