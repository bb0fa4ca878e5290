"""What ``howto-client.rst`` shows works as it stands there, and needs no Django."""

import re
import sys
from pathlib import Path

import pytest

import django_vortex.client
from tests.docs.blocks import ROOT, read_blocks
from tests.support.fixtures import StartServer
from tests.support.processes import LoggedProcess, run
from tests.support.waiting import PATIENCE_SECONDS

CLIENT = read_blocks("docs/howto-client.rst")["client.py"]
WITHOUT_DJANGO = (
    "import sys\nsys.modules.update(dict.fromkeys(['django', 'channels', 'asgiref']))\n"
)

PROGRAM = """
from django_vortex.client import (
    Changes, Client, Event, Loader, Online, Watch, connect, connect_sync
)
from django_vortex.tuples import Tuple, TupleField, tuple_type
from django_vortex.wire.payload import Payload


@tuple_type("sample.Person")
class Person(Tuple):
    name: str = TupleField()


async def get_token() -> str:
    return "secret"


async def rename(vortex: Client, name: str) -> str:
    loader: Loader = vortex.loader({"key": "people", "id": 7})
    async with loader as person:
        person.row.name = name
        await person.save(timeout=5)
    return name


async def main() -> int:
    async with connect("wss://example.org/vortex", token=get_token, headers={"X-A": "b"}) as vortex:
        reply: Payload = await vortex.call("people", timeout=5, state="open")
        await vortex.send(Payload({"key": "people"}, tuples=[Person(name="Ann")]))
        await vortex.flush()
        await vortex.renew(timeout=5)
        async with vortex.events() as events:
            event: Event = await anext(events)
            if isinstance(event, Online):
                print(event.transport, vortex.uuid)
        watch: Watch = vortex.watch("people", state="open")
        async with watch:
            async for changes in watch.changes():
                told: Changes = changes
                print(told.added, await watch.next(timeout=5), watch.is_current)
        async with vortex.on({"key": "people"}) as pushes:
            async for push in pushes:
                return len(push.tuples) + len(reply.tuples) + len(await rename(vortex, "Bo"))
    return 0


def main_without_loop() -> list[object]:
    with connect_sync("wss://example.org/vortex", name="x", open_timeout=5) as vortex:
        with vortex.on("people") as pushes:
            for push in pushes:
                return list(push.tuples)
        with vortex.watch({"key": "people"}) as watch:
            for changes in watch.changes():
                print(changes.removed, watch.answer, watch.error)
            for answer in watch:
                print(answer)
        with vortex.loader({"key": "people", "id": 7}) as person:
            person.row.name = "Ann"
            person.save(timeout=5)
        return list(vortex.call("people").tuples)
"""


@pytest.mark.parametrize("kind", ["uvicorn", "daphne"])
def test_shown_client_runs_without_django(
    kind: str, start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(kind)
    path = tmp_path / CLIENT.file
    path.write_text(WITHOUT_DJANGO + CLIENT.code.replace("8000", str(server.port)))
    command = [sys.executable, "-W", "error", str(path)]
    client = LoggedProcess("client", command, tmp_path, {"PYTHONPATH": str(ROOT)})
    client.start()
    assert client.wait(seconds=PATIENCE_SECONDS) == 0, client.log
    lines = client.log.splitlines()
    assert lines[0] == "3376 airports, the first is Thigpen"
    assert lines[1] == "['x']"
    assert lines[2].startswith("heard {'key': 'nobody.listens'")
    assert lines[3] == "['John F Kennedy Intl']"
    assert lines[4] == "John F Kennedy Intl"


def test_strict_type_check_of_a_program_that_uses_it(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    # Silent about the package itself, as it is where the package is installed.
    options = [
        "--strict",
        "--config-file=",
        "--follow-imports=silent",
        "--cache-dir",
        str(tmp_path),
    ]
    run([sys.executable, "-m", "mypy", *options, str(path)], seconds=600)


def test_every_name_of_the_client_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "reference.rst").read_text("utf-8")
    its_own = set(re.findall(r"django_vortex\.client\.(\w+)", text))
    documented = set(re.findall(r"^\.\. auto\w+:: (?:\w+\.)*(\w+)$", text, flags=re.M))
    names = set(django_vortex.client.__all__)
    assert its_own <= names
    assert names - documented == {"Event"}
    assert all(getattr(django_vortex.client, name).__doc__ for name in names)
