"""Django's own exceptions, as peers hear of them."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core import exceptions as django_exceptions
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import Resolver404
from django.utils.translation import gettext_lazy

from django_vortex import (
    AllowAny,
    AsyncModelHandler,
    CrudExtension,
    ModelHandler,
    OrmCrudHandler,
    RowsHandler,
    endpoint,
)
from django_vortex.exceptions import HandlerError
from django_vortex.orm.django.errors import SUSPICIOUS, list_errors, translate_error
from django_vortex.routing.failures import make_result
from django_vortex.testing import connect
from django_vortex.tuples import registry, tuple_type
from django_vortex.wire.dialects import Dialect

if registry.get_by_class(Group) is None:
    tuple_type("tests.testing.Group", fields=["id", "name"])(Group)

SECRET = "hunter2"

BY_FIELD = django_exceptions.ValidationError(
    {
        "name": [
            django_exceptions.ValidationError("At most %(most)d", params={"most": 5}),
            gettext_lazy("Too odd"),
        ],
        django_exceptions.NON_FIELD_ERRORS: ["Not both"],
    }
)


def told(error: Exception) -> Any:
    translated = translate_error(error)
    assert isinstance(translated, HandlerError)
    return make_result(translated, Dialect.NATIVE)


def test_a_validation_error_is_told_by_field_with_its_parameters() -> None:
    assert told(BY_FIELD) == {
        "error": "validation",
        "text": "Field 'name': At most 5 Too odd; Not both",
        "errors": [
            {"index": None, "field": "name", "messages": ["At most 5", "Too odd"]},
            {"index": None, "field": "", "messages": ["Not both"]},
        ],
    }


@pytest.mark.parametrize(
    ("error", "messages"),
    [
        (django_exceptions.ValidationError("No"), ["No"]),
        (django_exceptions.ValidationError(["No", "Never"]), ["No", "Never"]),
        (django_exceptions.ValidationError(gettext_lazy("No")), ["No"]),
        (django_exceptions.ValidationError("%(a)s!", params={"a": "No"}), ["No!"]),
    ],
)
def test_a_validation_error_without_fields_is_about_the_whole(
    error: django_exceptions.ValidationError, messages: list[str]
) -> None:
    assert told(error) == {
        "error": "validation",
        "text": " ".join(messages),
        "errors": [{"index": None, "field": "", "messages": messages}],
    }


def test_errors_may_be_about_one_of_several_tuples() -> None:
    errors = list_errors(django_exceptions.ValidationError({"name": "No"}), index=3)
    assert errors == [{"index": 3, "field": "name", "messages": ["No"]}]


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (django_exceptions.PermissionDenied("Not you"), "permission", "Not you"),
        (django_exceptions.PermissionDenied(gettext_lazy("Not you")), "permission", "Not you"),
        (django_exceptions.PermissionDenied(), "permission", "Permission denied"),
        (Http404("No such board"), "not-found", "No such board"),
        (Http404(), "not-found", "Not found"),
        (Resolver404({"tried": [SECRET], "path": SECRET}), "not-found", "Not found"),
        (Group.DoesNotExist(f"No {SECRET}"), "not-found", "Not found"),
        (django_exceptions.ObjectDoesNotExist(SECRET), "not-found", "Not found"),
        (django_exceptions.BadRequest("Too short"), "refused", "Too short"),
        (django_exceptions.BadRequest(), "refused", "Bad request"),
        (django_exceptions.SuspiciousFileOperation(SECRET), "refused", SUSPICIOUS),
    ],
)
def test_what_django_answers_with_a_status_is_told(error: Exception, code: str, text: str) -> None:
    assert told(error) == {"error": code, "text": text}


def test_something_suspicious_is_for_the_log(caplog: pytest.LogCaptureFixture) -> None:
    translate_error(django_exceptions.DisallowedHost("evil.example"))
    assert "DisallowedHost: 'evil.example'" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        ValueError(SECRET),
        django_exceptions.ImproperlyConfigured(SECRET),
        django_exceptions.FieldError(SECRET),
        Group.MultipleObjectsReturned(SECRET),
    ],
)
def test_defects_of_the_application_are_not(error: Exception) -> None:
    assert translate_error(error) is None


RAISED: dict[str, Exception] = {
    "validation": BY_FIELD,
    "permission": django_exceptions.PermissionDenied("Not you"),
    "not-found": Http404("No such board"),
    "internal": ValueError(SECRET),
}


def find(request: Any) -> Any:
    """Raise what the peer asks for; without that look for a row that is not there."""
    if "raise" in request.filt:
        raise RAISED[request.filt["raise"]]
    return (
        get_object_or_404(Group, name=SECRET)
        if request.filt.get("get")
        else Group.objects.get(name=SECRET)
    )


class Built(ModelHandler):
    filt = {"key": "raising.model"}

    def build_model(self, request: Any) -> Any:
        return find(request)


class Prepared(ModelHandler):
    filt = {"key": "raising.pre"}

    def pre_process(self, request: Any) -> None:
        find(request)

    def build_model(self, request: Any) -> Any:
        return []


class Finished(Prepared):
    filt = {"key": "raising.post"}

    def pre_process(self, request: Any) -> None:
        pass

    def post_process(self, request: Any, payload: Any) -> None:
        find(request)


class Later(AsyncModelHandler):
    filt = {"key": "raising.async_model"}

    async def build_model(self, request: Any) -> Any:
        if "raise" in request.filt:
            raise RAISED[request.filt["raise"]]
        raise Group.DoesNotExist(SECRET)


class Listed(RowsHandler):
    def get_queryset(self, request: Any) -> Any:
        return find(request)


class Hooked(CrudExtension):
    def before_retrieve(self, context: Any) -> None:
        find(context.request)


KEYS = ["sync", "async", "lazy", "model", "pre", "post", "async_model", "rows", "crud"]


@pytest.fixture
def handlers() -> Iterator[list[Any]]:
    """A handler of each kind, all of which raise."""
    rows = Listed({"key": "raising.rows"}, Group)
    crud = OrmCrudHandler(
        {"key": "raising.crud"}, Group, permission=AllowAny, extensions=[Hooked()]
    )
    kept: list[Any] = [Built(), Prepared(), Finished(), Later(), rows, crud]

    @endpoint({"key": "raising.sync"}, owner=rows)
    def sync(request: Any) -> Any:
        find(request)

    @endpoint({"key": "raising.async"}, owner=rows)
    async def later(request: Any) -> Any:
        if "raise" in request.filt:
            raise RAISED[request.filt["raise"]]
        await Group.objects.aget(name=SECRET)

    @endpoint({"key": "raising.lazy"}, owner=rows)
    async def lazy(request: Any) -> Any:
        return (find(request) for _ in range(1))  # runs where the reply is made

    yield kept
    for handler in kept:
        handler.endpoint.close()


@pytest.mark.django_db
@pytest.mark.parametrize("key", KEYS)
def test_handlers_of_all_kinds_may_raise_them(handlers: list[Any], key: str) -> None:
    with connect() as peer:
        ask = {"key": f"raising.{key}", "id": 1}
        for code in ("validation", "permission", "not-found"):
            reply = peer.request({**ask, "raise": code})
            assert reply.result == told(RAISED[code])
        for more in ({}, {"get": True}):
            reply = peer.request({**ask, **more})
            assert reply.error == "not-found"
            assert SECRET not in reply.text


@pytest.mark.django_db
@pytest.mark.parametrize("dialect", [Dialect.D1, Dialect.D1B, Dialect.D2])
def test_released_clients_get_the_text(handlers: list[Any], dialect: Dialect) -> None:
    with connect(dialect=dialect) as peer:
        reply = peer.request({"key": "raising.sync", "raise": "validation"})
        assert reply.result == "Field 'name': At most 5 Too odd; Not both"


@pytest.mark.django_db
@pytest.mark.parametrize("key", KEYS)
def test_an_error_of_the_application_is_never_the_peers(
    handlers: list[Any], key: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), connect() as peer:
        reply = peer.request({"key": f"raising.{key}", "id": 1, "raise": "internal"})
    assert reply.result == {
        "error": "internal",
        "text": f"The server could not answer (ref {reply.result['ref']})",
        "ref": reply.result["ref"],
    }
    assert reply.result["ref"] in caplog.text
    assert f"ValueError: {SECRET}" in caplog.text
