"""``python -m tests.e2e.app.rq_worker``: a worker of rq that ends when nothing is left to do."""

import os

import django
from redis import Redis
from rq import Worker

if __name__ == "__main__":
    django.setup()
    Worker(["default"], connection=Redis.from_url(os.environ["E2E_BROKER"])).work(burst=True)
