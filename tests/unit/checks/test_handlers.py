import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.test import override_settings

from django_vortex import ModelHandler
from django_vortex.checks import handlers as checked
from django_vortex.checks.handlers import check_handlers
from django_vortex.orm.known_tables import known_tables
from django_vortex.orm.touch import capture_named
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.watchable import Watchable
from tests.support.check_messages import ids


class Answers(ModelHandler):
    def build_model(self, request: Any) -> Any:
        return []


def make_class(name: str, *bases: type, **members: Any) -> Any:
    """Make a handler class as a ``vortex.py`` of an app of these tests would."""
    return type(name, bases or (Answers,), {"__module__": "tests.crud.vortex", **members})


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> PayloadIO:
    registry = PayloadIO()
    monkeypatch.setattr(checked, "payload_io", registry)
    return registry


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, registry: PayloadIO) -> Iterator[types.ModuleType]:
    """The ``vortex.py`` of an installed app."""
    assert any(app.name == "tests.crud" for app in apps.get_app_configs())
    module = types.ModuleType("tests.crud.vortex")
    monkeypatch.setitem(sys.modules, "tests.crud.vortex", module)
    yield module


def test_a_handler_class_without_an_object_is_told(module: Any) -> None:
    module.OpenTickets = make_class("OpenTickets")
    (message,) = check_handlers()
    assert ids([message]) == ["W012"]
    assert "tests.crud.vortex.OpenTickets" in message.msg
    assert "OpenTickets(...)" in str(message.hint)


def test_a_class_that_lacks_something_is_told_what(module: Any) -> None:
    module.OpenTickets = make_class("OpenTickets")
    module.Base = make_class("Base", abstract=True)
    (message,) = check_handlers()
    assert "A class with filt in vortex.py registers itself" in str(message.hint)
    module.OpenTickets.filt = {"key": "board.open"}
    (message,) = check_handlers()
    assert "Define it in vortex.py" in str(message.hint)


def test_an_object_of_it_or_of_a_subclass_is_enough(module: Any, registry: PayloadIO) -> None:
    module.Base = make_class("Base")
    module.OpenTickets = make_class("OpenTickets", module.Base)
    kept = module.OpenTickets({"key": "board.open"}, payload_io=registry)
    assert check_handlers() == []
    del kept


def test_classes_for_others_to_finish_are_none(module: Any) -> None:
    module.ModelHandler = ModelHandler
    module.Answers = Answers  # of another package
    module.Abstract = make_class("Abstract", ModelHandler)
    assert check_handlers() == []


def test_handlers_beside_the_settings_are_told(
    registry: PayloadIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site = tmp_path / "site_of_a_test"
    site.mkdir()
    for name in ("__init__", "vortex"):
        (site / f"{name}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with override_settings(ROOT_URLCONF="site_of_a_test.urls"):
        (message,) = check_handlers()
        assert ids([message]) == ["W016"]
        assert "site_of_a_test.vortex is not imported" in message.msg
        (site / "vortex.py").unlink()
        assert check_handlers() == []


def answer(request: Any) -> None:
    """Answer nothing."""


def test_two_handlers_of_one_filt_are_told_with_their_places(registry: PayloadIO) -> None:
    kept = [
        PayloadEndpoint({"key": "a", "ids": ids_}, answer, payload_io=registry)
        for ids_ in ([1, 2], [2, 1])
    ]
    (message,) = check_handlers()
    assert ids([message]) == ["W013"]
    assert message.msg.count(f"{__name__}.answer") == 2
    assert f"{__file__}:{kept[0].site.line}" in message.msg


def test_filts_that_only_overlap_are_no_twins(registry: PayloadIO) -> None:
    kept = [
        PayloadEndpoint(filt, answer, payload_io=registry)
        for filt in ({"key": "a"}, {"key": "a", "id": 1}, {"key": "b"})
    ]
    assert check_handlers() == []
    del kept


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        ({"accept_only_from": "web"}, {"accept_only_from": "desk"}, 0),
        ({"accept_only_from": "web"}, {"ignore_from": "web"}, 0),
        ({"accept_only_from": ["web", "desk"]}, {"ignore_from": "web"}, 1),
        ({"accept_only_from": "web"}, {}, 1),
        ({"ignore_from": "web"}, {"ignore_from": "desk"}, 1),
    ],
)
def test_twins_that_hear_no_common_peer_are_none(
    registry: PayloadIO, one: Any, other: Any, count: int
) -> None:
    kept = [PayloadEndpoint({"key": "a"}, answer, payload_io=registry, **x) for x in (one, other)]
    assert ids(check_handlers()) == ["W013"] * count
    del kept


def test_what_answers_depend_on_has_to_be_tables() -> None:
    right = PayloadEndpoint(
        {"key": "test.right"}, print, watchable=Watchable(depends_on=(Permission, "some_table"))
    )
    wrong = PayloadEndpoint({"key": "test.wrong"}, print, watchable=Watchable(depends_on=(7,)))
    [message] = [one for one in check_handlers() if ids([one]) == ["E041"]]
    assert "Expected a Django model" in message.msg
    right.close()
    wrong.close()


def test_tables_that_answers_depend_on_are_captured_in_every_process() -> None:
    """A process that only writes evaluates nothing."""
    known_tables.add_quiet(["test_quiet"])
    assert capture_named(["test_quiet", Permission]) == []
    assert not known_tables.is_quiet("test_quiet")
