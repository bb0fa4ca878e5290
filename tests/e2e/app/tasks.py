"""What workers of task queues run: pushes, and ends without a clean-up."""

import os
import time

from celery import Celery, shared_task

from tests.e2e.app.pushing import push_numbered

app = Celery("tests", broker=os.environ.get("E2E_BROKER"))
app.conf.broker_connection_retry_on_startup = True


@shared_task
def push(number: int) -> None:
    """Push one numbered tuple, and return."""
    push_numbered({"first": str(number)})


@shared_task(time_limit=2)
def push_and_hang(number: int) -> None:
    """Push one numbered tuple, and be killed by the time limit."""
    push_numbered({"first": str(number)})
    time.sleep(600)


@shared_task
def push_and_exit(number: int) -> None:
    """Push one numbered tuple, and end the process as a crash does."""
    push_numbered({"first": str(number)})
    os._exit(0)
