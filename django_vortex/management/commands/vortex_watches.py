"""``manage.py vortex_watches``: show what is watched in all processes, and how far it is behind."""

import asyncio
import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from django_vortex.transports.inspecting import Inspected, inspect_all

MAX_FILT_CHARACTERS = 60


class Command(BaseCommand):
    """Asks all servers over the channel layer."""

    help = "Show the watched answers of all server processes, and how far they are behind."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the beginning of a key, how long to wait, and the form."""
        parser.add_argument(
            "key", nargs="?", default="", help="Only those whose key begins like this."
        )
        parser.add_argument(
            "--seconds", type=float, default=1.0, help="How long to wait for the servers."
        )
        parser.add_argument("--json", action="store_true", help="Everything, as JSON.")

    def handle(
        self, *args: Any, key: str, seconds: float, json: bool = False, **options: Any
    ) -> None:
        """Print one line for each process and each watch."""
        try:
            processes = asyncio.run(inspect_all(seconds))
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        if not processes:
            raise CommandError(f"No server has answered within {seconds:g} s")
        for one in processes:
            one.watches = [
                watch for watch in one.watches if str(watch["filt"].get("key")).startswith(key)
            ]
        if json:
            self.stdout.write(_write_json(processes))
            return
        for one in processes:
            self._print(one)

    def _print(self, inspected: Inspected) -> None:
        lag = inspected.lag
        self.stdout.write(
            f"process {inspected.process}: {lag['watches']} watches, {lag['subscribers']} "
            f"subscriptions, {lag['stale']} stale, {lag['failing']} failing, "
            f"{lag['behind']} behind, at most {lag['seconds']:.3f} s"
        )
        if inspected.left:
            self.stderr.write(f"{inspected.left} parts of its answer have not come in time")
        for watch in sorted(inspected.watches, key=lambda one: -one["subscribers"]):
            self.stdout.write(f"  {_describe(watch)}")


def _describe(watch: dict[str, Any]) -> str:
    filt = json.dumps(watch["filt"], ensure_ascii=False, default=repr)
    if len(filt) > MAX_FILT_CHARACTERS:
        filt = f"{filt[: MAX_FILT_CHARACTERS - 1]}…"
    tables = sorted({one["table"] for one in watch["dependencies"]})
    took = "never" if watch["seconds"] is None else f"{watch['seconds'] * 1000:.1f} ms"
    state = "stale" if watch["is_stale"] else "current"
    if watch["error"] is not None:
        state = f"failing: {watch['error']}"
    return (
        f"{filt}  for {_describe_scope(watch)}  {watch['subscribers']} watch  "
        f"{watch['evaluations']} evaluations, last {took}  tag {watch['tag']}  "
        f"{watch['behind']} behind  {state}  reads {', '.join(tables) or 'no table'}"
    )


def _describe_scope(watch: dict[str, Any]) -> str:
    if watch["is_shared"]:
        return "all"
    user = "anonymous" if watch["user"] is None else f"user {watch['user']}"
    return user if watch["peer"] is None else f"{user}, one peer"


def _write_json(processes: list[Inspected]) -> str:
    return json.dumps([asdict(one) for one in processes], indent=2, ensure_ascii=False)
