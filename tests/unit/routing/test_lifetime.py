"""Endpoints made while a module's body runs stay; all others are their makers' business."""

import asyncio
import gc
import importlib
import itertools
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings
from django.test import override_settings

from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.lifetime import get_site
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import Request
from django_vortex.wire.envelope import PayloadEnvelope

Import = Callable[[str], ModuleType]

numbers = itertools.count()
payload_io = PayloadIO()

HEADER = """
from django_vortex.handlers import ModelHandler
from django_vortex.routing import PayloadEndpoint, endpoint
from tests.unit.routing.test_lifetime import payload_io

def handle(request): ...
"""


@pytest.fixture
def import_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """Import a new module with this text."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "tests.unit.routing.test_lifetime", sys.modules[__name__])
    names: list[str] = []

    def import_text(text: str) -> ModuleType:
        name = f"module_of_lifetime_{next(numbers)}"
        names.append(name)
        (tmp_path / f"{name}.py").write_text(HEADER + textwrap.dedent(text))
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield import_text
    for name in names:
        sys.modules.pop(name, None)
    for endpoint in payload_io.endpoints:
        endpoint.close()


def keys() -> list[str]:
    gc.collect()
    return sorted(endpoint.filt["key"] for endpoint in payload_io.endpoints)


def test_a_bare_statement_in_a_module_stays(import_text: Import) -> None:
    import_text(
        """
        PayloadEndpoint({"key": "bare"}, handle, payload_io=payload_io)

        def register():
            PayloadEndpoint({"key": "called"}, handle, payload_io=payload_io)

        register()

        class Rows(ModelHandler):
            def build_model(self, request): ...

        Rows({"key": "handler"}, payload_io=payload_io)

        class Holder:
            PayloadEndpoint({"key": "class body"}, handle, payload_io=payload_io)
        """
    )
    assert keys() == ["bare", "called", "class body", "handler"]


def test_a_decorated_function_stays_when_its_name_is_reused(import_text: Import) -> None:
    import_text(
        """
        @endpoint({"key": "one"}, payload_io=payload_io)
        def work(request): ...

        @endpoint({"key": "two"}, payload_io=payload_io)
        def work(request): ...
        """
    )
    assert keys() == ["one", "two"]


def test_what_a_function_of_the_module_makes_later_does_not_stay(import_text: Import) -> None:
    module = import_text(
        """
        def register():
            return PayloadEndpoint({"key": "later"}, handle, payload_io=payload_io)
        """
    )
    kept = module.register()
    assert keys() == ["later"]
    del kept
    assert keys() == []


def test_a_module_that_runs_again_replaces_what_it_made(import_text: Import) -> None:
    module = import_text("PayloadEndpoint({'key': 'old'}, handle, payload_io=payload_io)")
    path = Path(str(module.__file__))
    path.write_text(path.read_text().replace("old", "much newer"))
    importlib.reload(module)
    assert keys() == ["much newer"]


def test_a_loop_that_runs_within_a_module_pins_nothing(import_text: Import) -> None:
    import_text(
        """
        import asyncio

        async def main():
            PayloadEndpoint({"key": "in a loop"}, handle, payload_io=payload_io)

        asyncio.run(main())
        """
    )
    assert keys() == []


def test_code_that_is_executed_but_no_module_pins_nothing() -> None:
    text = HEADER + "PayloadEndpoint({'key': 'executed'}, handle, payload_io=payload_io)"
    names = {"__name__": "no_module", "payload_io": payload_io}
    exec(compile(text.replace("from tests", "# "), "<text>", "exec"), names)
    assert keys() == []


def test_a_removed_endpoint_of_a_module_does_not_stay(import_text: Import) -> None:
    import_text("PayloadEndpoint({'key': 'removed'}, handle, payload_io=payload_io)")
    [endpoint] = payload_io.endpoints
    endpoint.close()
    del endpoint
    assert keys() == []


def test_the_main_script_pins_its_statements_but_not_all_it_calls(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import gc
            from django_vortex.routing import PayloadEndpoint, endpoint, payload_io

            def handle(request): ...

            PayloadEndpoint({"key": "bare"}, handle)

            @endpoint({"key": "decorated"})
            def decorated(request): ...

            del decorated

            def main():
                PayloadEndpoint({"key": "called"}, handle)
                gc.collect()
                print(sorted(found.filt["key"] for found in payload_io.endpoints))

            main()
            """
        )
    )
    root = Path(__file__).parents[3]
    command = [sys.executable, str(script)]
    done = subprocess.run(
        command,
        cwd=root,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "['bare', 'decorated']"
    [told] = done.stderr.splitlines()
    assert "'called'" in told
    assert f"{script}:15, has ended before anybody asked it" in told


def test_the_site_is_the_line_of_the_caller() -> None:
    endpoint = PayloadEndpoint({"key": "k"}, print, payload_io=PayloadIO())
    line = sys._getframe().f_lineno - 1
    assert (endpoint.site.filename, endpoint.site.line) == (__file__, line)
    assert endpoint.site.module is None


async def test_the_site_is_found_on_a_loop_and_in_a_thread() -> None:
    assert get_site().filename == __file__
    assert (await asyncio.to_thread(lambda: get_site())).filename == __file__


def unasked(caplog: pytest.LogCaptureFixture, wanted: str = "module_of_lifetime") -> list[str]:
    """Return what the log says of endpoints that ended; of this test alone."""
    gc.collect()
    payload_io.endpoints  # noqa: B018 - looking is what notices them
    return [
        one.getMessage()
        for one in caplog.records
        if one.name == "django_vortex.routing.unkept" and wanted in one.getMessage()
    ]


@pytest.mark.parametrize(
    ("made", "what"),
    [
        ('PayloadEndpoint({"key": "lost"}, handle, payload_io=payload_io)', "handle"),
        ('Rows({"key": "lost"}, payload_io=payload_io)', "Rows"),
        (
            '@endpoint({"key": "lost"}, payload_io=payload_io)\n    def local(request): ...',
            "local",
        ),
    ],
)
def test_an_endpoint_that_nobody_keeps_is_told_once(
    import_text: Import, made: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    module = import_text(
        f"""
class Rows(ModelHandler):
    def build_model(self, request): ...

def register():
    {made}
"""
    )
    line = next(
        number
        for number, text in enumerate(Path(str(module.__file__)).read_text().splitlines(), 1)
        if made.splitlines()[0] in text
    )
    for _ in range(3):
        module.register()
        [text] = unasked(caplog)
    assert f"{module.__file__}:{line}" in text
    assert "{'key': 'lost'}" in text
    assert what in text
    assert "in the body of a module" in text


class Page:
    """What keeps an endpoint for as long as it lives."""

    def __init__(self) -> None:
        PayloadEndpoint({"key": "page"}, print, payload_io=payload_io, owner=self)


async def test_an_endpoint_that_ends_on_purpose_is_not_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def make() -> PayloadEndpoint:
        return PayloadEndpoint({"key": "page"}, lambda request: None, payload_io=payload_io)

    closed, asked = make(), make()
    closed.close()
    envelope = PayloadEnvelope({"key": "page"})
    await payload_io.process(Request(envelope, Peer("uuid", "it"), codec=payload_io.codec))
    del closed, asked
    Page()
    assert unasked(caplog, "'page'") == []
    make()
    assert len(unasked(caplog, "'page'")) == 1


def test_what_becomes_ready_stays_and_replaces_what_it_made(
    import_text: Import, caplog: pytest.LogCaptureFixture
) -> None:
    module = import_text(
        """
from django.apps import AppConfig

PayloadEndpoint({"key": "body"}, handle, payload_io=payload_io)

def register(key):
    PayloadEndpoint({"key": key}, handle, payload_io=payload_io)

class Config(AppConfig):
    name = __name__
    label = "lifetime"
    path = "/"

    def ready(self):
        register("called")
        PayloadEndpoint({"key": "ready"}, handle, payload_io=payload_io)
        @endpoint({"key": "decorated"}, payload_io=payload_io)
        def local(request): ...
"""
    )
    entry = f"{module.__name__}.Config"
    for _ in range(2):
        with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, entry]):
            assert keys() == ["body", "called", "decorated", "ready"]
    assert keys() == ["body", "called", "decorated", "ready"]
    assert unasked(caplog) == []
