from functools import partial
from io import StringIO

import pytest
from django.core.management import call_command

from django_vortex.management.commands import vortex_endpoints
from django_vortex.routing.endpoint import PayloadEndpoint
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.permissions import AllowAny, IsStaff, ModelPermissions, ReadOnly


@pytest.fixture
def registry(monkeypatch):
    registry = PayloadIO()
    monkeypatch.setattr(vortex_endpoints, "payload_io", registry)
    return registry


def answer(request):
    return None


class Board:
    def answer(self, request):
        return None


def listed(*arguments):
    out, err = StringIO(), StringIO()
    call_command("vortex_endpoints", *arguments, stdout=out, stderr=err)
    return out.getvalue().splitlines(), err.getvalue()


def test_filt_handler_permission_and_place_are_listed(registry, monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)
    kept = PayloadEndpoint({"id": 7, "key": "board.open"}, answer, payload_io=registry)
    (line,), _ = listed()
    filt, handler, permission, place = line.split("  ")
    assert filt == '{"key": "board.open", "id": 7}'
    assert handler == f"{__name__}.answer"
    assert permission == "AuthenticatedOrReadOnly (default)"
    assert place == f"tests/unit/management/test_vortex_endpoints.py:{kept.site.line}"


@pytest.mark.parametrize(
    ("permission", "shown"),
    [
        (IsStaff, "IsStaff"),
        (IsStaff & ReadOnly | AllowAny, "IsStaff & ReadOnly | AllowAny"),
        ((IsStaff | ReadOnly) & ~AllowAny, "(IsStaff | ReadOnly) & ~AllowAny"),
        (~(IsStaff & ReadOnly), "~IsStaff | ~ReadOnly"),
        (ModelPermissions(("board", "ticket")), "ModelPermissions(board.ticket)"),
    ],
)
def test_permission_is_shown_as_it_is_written(registry, permission, shown):
    kept = PayloadEndpoint({"key": "a"}, answer, permission=permission, payload_io=registry)
    assert vortex_endpoints.describe(kept)[2] == shown


def test_lines_are_sorted_and_aligned(registry):
    kept = [PayloadEndpoint({"key": key}, answer, payload_io=registry) for key in ("bb", "a")]
    lines, _ = listed()
    assert [line.split()[1] for line in lines] == ['"a"}', '"bb"}']
    assert lines[0].index("answer") == lines[1].index("answer")
    assert len(kept) == len(lines)


def test_key_narrows_the_list(registry):
    kept = [PayloadEndpoint({"key": key}, answer, payload_io=registry) for key in ("a.x", "b.x")]
    lines, _ = listed("b.")
    assert len(lines) == 1
    assert kept[1].filt["key"] in lines[0]


def test_names_that_are_heard_and_not_heard_are_told(registry):
    kept = PayloadEndpoint(
        {"key": "a"}, answer, payload_io=registry, accept_only_from=["y", "x"], ignore_from="z"
    )
    (line,), _ = listed()
    assert "answer (only from x, y) (never from z)" in line
    assert kept.accepts("x")


def test_bound_method_is_named_by_its_class(registry):
    board = Board()
    assert vortex_endpoints.describe_handler(board.answer) == f"{__name__}.Board"
    assert vortex_endpoints.describe_handler(partial(board.answer)) == f"{__name__}.Board"


def test_empty_registry_says_where_endpoints_come_from(registry):
    lines, error = listed()
    assert lines == []
    assert "vortex.py" in error


def test_rates_are_told(registry):
    kept = PayloadEndpoint({"key": "a"}, answer, payload_io=registry, throttle={"peer": "20/s"})
    (line,), _ = listed()
    assert "answer (at most 20/s per peer)" in line
    assert kept.rates is not None
