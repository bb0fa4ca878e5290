"""Classes in the ``vortex.py`` of an app register themselves, once each; no others do."""

import importlib
import itertools
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_vortex import ModelHandler
from django_vortex.checks import handlers as checked
from django_vortex.checks.handlers import check_handlers
from django_vortex.exceptions import DefinitionError
from django_vortex.handlers import discovery
from django_vortex.handlers.discovery import register_classes
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.transports.startup import require_sound_settings
from tests.support.check_messages import ids

registry = PayloadIO()
numbers = itertools.count()

HEADER = """
from django_vortex import AsyncModelHandler, ModelHandler, OrmCrudHandler, RowsHandler, endpoint
from tests.unit.handlers.test_discovery import registry
from tests.unit.orm.models import Ticket

class Answers:
    payload_io = registry

    def build_model(self, request):
        return []
"""

MakeApp = Callable[..., ModuleType]


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(checked, "payload_io", registry)
    monkeypatch.setattr(discovery, "_modules", {})
    yield
    for endpoint in registry.endpoints:
        endpoint.close()


@pytest.fixture
def make_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeApp]:
    """Import the ``vortex.py`` of a new package, and register its classes unless told otherwise."""
    monkeypatch.syspath_prepend(tmp_path)
    imported: list[str] = []

    def make_app(text: str, *, registers: bool = True) -> ModuleType:
        package = tmp_path / f"app_of_discovery_{next(numbers)}"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "vortex.py").write_text(HEADER + textwrap.dedent(text))
        importlib.invalidate_caches()
        imported.extend((package.name, f"{package.name}.vortex"))
        module = importlib.import_module(f"{package.name}.vortex")
        if registers:
            register_classes([module.__name__])
        return module

    yield make_app
    for name in imported:
        sys.modules.pop(name, None)


def keys() -> list[str]:
    return sorted(endpoint.filt["key"] for endpoint in registry.endpoints)


def test_complete_classes_register_where_they_are_defined(make_app: MakeApp) -> None:
    module = make_app(
        """
        class Plain(Answers, ModelHandler):
            filt = {"key": "plain"}

        class Later(AsyncModelHandler):
            filt, payload_io = {"key": "later"}, registry
            async def build_model(self, request):
                return []

        class Edited(OrmCrudHandler):
            filt, model, fields = {"key": "edited"}, Ticket, ["title"]
            type_name, payload_io = "discovery.Edited", registry

        class Listed(RowsHandler):
            filt, model, payload_io = {"key": "listed"}, Ticket, registry
        """
    )
    assert keys() == ["edited", "later", "listed", "plain"]
    lines = Path(str(module.__file__)).read_text().splitlines()
    for endpoint in registry.endpoints:
        assert endpoint.site.module == module.__name__
        assert lines[endpoint.site.line - 1].startswith(f"class {endpoint.filt['key'].title()}(")
    assert check_handlers() == []
    assert module.Plain.get_handler().filt == {"key": "plain"}


def test_registering_again_registers_nothing_more(make_app: MakeApp) -> None:
    module = make_app('class One(Answers, ModelHandler): filt = {"key": "one"}')
    register_classes([module.__name__])
    assert keys() == ["one"]


def test_a_class_of_which_the_module_makes_objects_is_left_to_it(make_app: MakeApp) -> None:
    module = make_app(
        """
        class One(Answers, ModelHandler):
            filt = {"key": "one"}

        one = One(throttle="5/s")

        class Two(Answers, ModelHandler):
            filt = {"key": "two"}

        first, second = Two(), Two({"key": "other"})
        """
    )
    assert keys() == ["one", "other", "two"]
    assert module.One.get_handler() is module.one
    with pytest.raises(DefinitionError, match="2 are registered"):
        module.Two.get_handler()


def test_base_classes_register_unless_they_are_abstract_or_incomplete(make_app: MakeApp) -> None:
    make_app(
        """
        class Base(Answers, ModelHandler):
            abstract = True
            filt = {"key": "base"}

        class Child(Base):
            filt = {"key": "child"}

        class Grandchild(Child):
            filt = {"key": "grandchild"}

        class Unfinished(ModelHandler):
            payload_io = registry

        class Finished(Unfinished):
            filt = {"key": "finished"}
            def build_model(self, request):
                return []
        """
    )
    assert keys() == ["child", "finished", "grandchild"]
    assert check_handlers() == []


def test_a_class_that_another_app_imports_registers_once(make_app: MakeApp) -> None:
    first = make_app('class One(Answers, ModelHandler): filt = {"key": "one"}')
    package = first.__name__
    second = make_app(
        f"""
        from {package} import One
        Same = One

        class Special(One):
            filt = {{"key": "special"}}
        """
    )
    assert second.One is first.One
    assert keys() == ["one", "special"]
    assert [endpoint.site.module for endpoint in registry.endpoints] == [
        first.__name__,
        second.__name__,
    ]


def test_classes_that_are_no_name_of_the_module_do_not_register(make_app: MakeApp) -> None:
    make_app(
        """
        def make():
            class Inner(Answers, ModelHandler):
                filt = {"key": "inner"}
            return Inner

        Made = make()

        class Box:
            class Nested(Answers, ModelHandler):
                filt = {"key": "nested"}

        class Replaced(Answers, ModelHandler):
            filt = {"key": "replaced"}

        class Replaced(Answers, ModelHandler):
            filt = {"key": "last"}
        """
    )
    assert keys() == ["last"]


def test_classes_of_other_modules_do_not_register(make_app: MakeApp) -> None:
    text = 'class One(Answers, ModelHandler): filt = {"key": "one"}'
    module = make_app(text, registers=False)
    assert keys() == []
    register_classes([module.__name__ + "_of_another"])
    assert keys() == []
    with pytest.raises(DefinitionError, match="none is registered"):
        module.One.get_handler()


def test_a_class_of_a_function_registers_only_as_an_object() -> None:
    register_classes([__name__])

    class Local(ModelHandler):
        filt, payload_io = {"key": "local"}, registry

        def build_model(self, request: Any) -> Any:
            return []

    assert keys() == []
    assert Local().filt == {"key": "local"}


def test_a_package_may_spread_its_handlers(make_app: MakeApp) -> None:
    module = make_app("", registers=False)
    name = f"{module.__name__}.tickets"
    text = HEADER + 'class One(Answers, ModelHandler):\n    filt = {"key": "inside"}\n'
    inner = ModuleType(name)
    sys.modules[name] = inner
    try:
        exec(compile(text, "tickets.py", "exec"), vars(inner))
        register_classes([module.__name__])
        assert keys() == ["inside"]
    finally:
        del sys.modules[name]


def test_a_module_that_is_run_again_replaces_its_handlers(make_app: MakeApp) -> None:
    module = make_app(
        """
        class One(Answers, ModelHandler):
            filt = {"key": "one"}

        class Gone(Answers, ModelHandler):
            filt = {"key": "gone"}

        class Made(Answers, ModelHandler):
            filt = {"key": "made"}

        made = Made()
        """
    )
    before = module.One.get_handler()
    path = Path(str(module.__file__))
    text = (
        path.read_text().replace('"key": "one"', '"key": "first"').replace("class Gone", "class _")
    )
    path.write_text(text.replace("class _(Answers, ModelHandler)", "class Gone"))
    importlib.reload(module)
    assert keys() == ["first", "made"]
    assert module.One.get_handler() is not before


def test_what_keeps_a_class_from_registering_is_told(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    module = make_app(
        """
        class Nameless(OrmCrudHandler):
            model, fields, payload_io = Ticket, ["title"], registry

        class Wrong(OrmCrudHandler):
            filt, model, payload_io = {"key": "wrong"}, Ticket, registry
            fields, filters = ["title"], ["tilte"]

        class Keyless(Answers, ModelHandler):
            filt = {"kex": "keyless"}

        class Unbuilt(ModelHandler):
            filt = {"key": "unbuilt"}

        class Wanting(Answers, ModelHandler):
            filt = {"key": "wanting"}
            def __init__(self, more):
                super().__init__()

        class Failing(Answers, ModelHandler):
            filt = {"key": "failing"}
            def __init__(self):
                super().__init__()
                raise OSError("no such thing")

        class Base(RowsHandler):
            payload_io = registry
        """
    )
    assert keys() == []
    messages = check_handlers()
    assert ids(messages) == ["E022"] * 6
    texts = {str(one.msg).split(" ")[0].rpartition(".")[2]: str(one.msg) for one in messages}
    assert "it has no filt" in texts["Nameless"]
    assert "filters names 'tilte'" in texts["Wrong"]
    assert "Did you mean 'title'" in texts["Wrong"]
    assert "key" in texts["Keyless"]
    assert "it has no build_model" in texts["Unbuilt"]
    assert "more" in texts["Wanting"]
    assert "no such thing" in texts["Failing"]
    traced = {one.getMessage().split(" ")[0] for one in caplog.records if one.exc_info}
    assert traced == {f"{module.__name__}.{name}" for name in ("Wanting", "Failing")}
    with pytest.raises(DefinitionError, match="filters names 'tilte'"):
        module.Wrong.get_handler()
    with pytest.raises(ImproperlyConfigured, match="Nameless is not registered: it has no filt"):
        require_sound_settings()


def test_two_classes_of_one_filt_are_twins_as_all_handlers_are(make_app: MakeApp) -> None:
    make_app(
        """
        class One(Answers, ModelHandler):
            filt = {"key": "one"}

        class Two(Answers, ModelHandler):
            filt = {"key": "one"}
        """
    )
    (message,) = check_handlers()
    assert ids([message]) == ["W013"]
    assert "vortex.One" in message.msg
    assert "vortex.Two" in message.msg
