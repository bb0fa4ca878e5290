"""Attributes of classes and keywords are the same options; a slip in either is an error."""

from typing import Any

import pytest

from django_vortex import IsAuthenticated, IsStaff, ModelHandler, OrmCrudHandler, RowsHandler
from django_vortex.exceptions import DefinitionError
from django_vortex.handlers.base import BaseHandler, HandlerOptions
from django_vortex.handlers.options import find_options
from django_vortex.orm.crud.handler import CrudOptions
from django_vortex.orm.crud.rows_handler import RowsOptions
from django_vortex.routing.payload_io import PayloadIO
from tests.unit.orm.models import Ticket

FILT = {"key": "options"}


def define(base: type[Any], *mixins: type[Any], **members: Any) -> Any:
    return type("Tickets", (*mixins, base), {"__module__": "board.vortex", **members})


def make(cls: Any = OrmCrudHandler, *arguments: Any, **keywords: Any) -> Any:
    return cls(*arguments, payload_io=PayloadIO(), **keywords)


@pytest.mark.parametrize(
    ("base", "keywords"),
    [(BaseHandler, HandlerOptions), (OrmCrudHandler, CrudOptions), (RowsHandler, RowsOptions)],
)
def test_every_option_is_an_attribute_and_a_keyword(base: Any, keywords: Any) -> None:
    positional = {"filt", "model", "more_models"}
    assert {*find_options(base)} - positional == {*keywords.__annotations__} - {"get_queryset"}
    for name in find_options(base):
        assert hasattr(base, name)


def test_attributes_are_what_a_handler_goes_by_and_keywords_override_them() -> None:
    class Tickets(OrmCrudHandler):
        filt, model = FILT, Ticket
        fields = ["title", "state"]
        type_name = "options.Tickets"
        retrieve_all = True
        max_tuples = 7
        permission = IsStaff

    plain = make(Tickets)
    assert plain.filt == FILT
    assert plain.plan.max_tuples == 7
    assert plain.plan.listing is not None
    assert plain.plan.main.shape.names == ("id", "title", "state")
    assert repr(plain.plan.main.access.permission) == "IsStaff"

    other = make(Tickets, {"key": "other"}, max_tuples=8, retrieve_all=False, permission=None)
    assert (other.filt, other.plan.max_tuples) == ({"key": "other"}, 8)
    assert other.plan.listing is None
    assert repr(other.plan.main.access.permission) == "IsStaff"  # None leaves the attribute
    assert Tickets.max_tuples == 7


def test_options_are_inherited_and_come_from_mixins() -> None:
    class Paged:
        page_size = 20

    class Base(Paged, OrmCrudHandler):
        abstract = True
        fields = ["title"]
        type_name = "options.Inherited"

    class Tickets(Base):
        filt, model = FILT, Ticket

    made = make(Tickets)
    assert (made.page_size, made.plan.main.shape.names) == (20, ("id", "title"))


@pytest.mark.parametrize(
    ("base", "name", "meant"),
    [
        (OrmCrudHandler, "retreive_all", "retrieve_all"),
        (OrmCrudHandler, "permision", "permission"),
        (OrmCrudHandler, "filter", "filters"),
        (OrmCrudHandler, "readonly_fields", "read_only_fields"),
        (OrmCrudHandler, "get_query_set", "get_queryset"),
        (OrmCrudHandler, "preprocess", "pre_process"),
        (OrmCrudHandler, "abstrct", "abstract"),
        (RowsHandler, "session_factroy", "session_factory"),
        (RowsHandler, "throtle", "throttle"),
        (ModelHandler, "premission", "permission"),
    ],
)
def test_a_misspelt_option_is_told(base: Any, name: str, meant: str) -> None:
    wanted = f"board.vortex.Tickets.{name} counts for nothing. Did you mean {meant!r}"
    with pytest.raises(DefinitionError, match=wanted):
        define(base, **{name: True})
    with pytest.raises(DefinitionError, match=f"Did you mean {meant!r}"):
        define(base, type("Mixin", (), {name: True}))
    if base is not ModelHandler and meant != "abstract":
        with pytest.raises(DefinitionError, match=f"takes no {name!r}. Did you mean {meant!r}"):
            make(base, FILT, Ticket, **{name: True})


def test_a_keyword_that_means_nothing_lists_those_that_there_are() -> None:
    with pytest.raises(DefinitionError, match=r"takes no 'colour'\. There are: .*retrieve_all"):
        make(OrmCrudHandler, FILT, Ticket, colour="red")
    with pytest.raises(DefinitionError, match="RowsHandler takes no 'retrieve_all'"):
        make(RowsHandler, FILT, Ticket, retrieve_all=True)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("permission_classes", "permission = IsAuthenticated"),
        ("throttle_classes", "throttle = "),
        ("queryset", "get_queryset"),
        ("exclude", "name the fields that travel"),
        ("Meta", "abstract = True"),
    ],
)
def test_attributes_of_other_frameworks_are_refused(name: str, advice: str) -> None:
    with pytest.raises(DefinitionError, match=f"Tickets.{name} counts for nothing.*{advice}"):
        define(OrmCrudHandler, **{name: object()})


def test_a_handler_may_have_attributes_of_its_own() -> None:
    made = define(
        ModelHandler, colour="red", queryset=(), build_model=lambda self, request: [], _filters=1
    )
    assert make(made, FILT).colour == "red"
    assert define(RowsHandler, queryset=Ticket.objects.all()).queryset is not None


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("retrieve_all", "yes", "True or False, got 'yes'"),
        ("filters", "state", "a list of names, got 'state'"),
        ("filters", [1], "a list of names"),
        ("page_size", "50", "an integer or None, got '50'"),
        ("max_tuples", True, "an integer, got True"),
        ("references", ["owner"], "a dict"),
        ("push_on_commit", "lists", "True, False or 'rows'"),
        ("session_factory", 3, "a function or None"),
        ("filt", "board.tickets", "a dict, got 'board.tickets'"),
        ("payload_io", 3, "a PayloadIO, got 3"),
    ],
)
def test_a_value_that_cannot_be_names_class_and_attribute(
    name: str, value: Any, wanted: str
) -> None:
    with pytest.raises(DefinitionError, match=f"board.vortex.Tickets.{name} is {wanted}"):
        define(OrmCrudHandler, **{name: value})
    if name != "filt" and name != "payload_io":
        with pytest.raises(DefinitionError, match=f"OrmCrudHandler.{name} is {wanted}"):
            make(OrmCrudHandler, FILT, Ticket, **{name: value})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("permission", "IsStaff", "Expected a Permission"),
        ("permission", [IsAuthenticated], "join several by & or |"),
        ("throttle", "often", "often"),
    ],
)
def test_a_permission_or_rate_that_is_none_names_class_and_attribute(
    name: str, value: Any, wanted: str
) -> None:
    with pytest.raises(DefinitionError, match=f"board.vortex.Tickets.{name}: .*{wanted}"):
        define(OrmCrudHandler, **{name: value})


def test_a_function_that_makes_sessions_is_no_method() -> None:
    def make_session() -> str:
        return "session"

    plain = define(RowsHandler, session_factory=make_session)
    assert plain.__new__(plain).session_factory() == "session"
    wrapped = define(RowsHandler, session_factory=staticmethod(make_session))
    assert wrapped.__new__(wrapped).session_factory() == "session"
    child = type("Child", (plain,), {"__module__": "board.vortex"})
    assert child.__new__(child).session_factory() == "session"


def make_bound_session(bind: Any = None) -> Any:
    return bind


def find_tickets(request: Any) -> Any:
    return f"tickets of {request}"


def test_functions_of_a_module_are_no_methods_unless_they_take_self() -> None:
    class Tickets(RowsHandler):
        session_factory = make_bound_session
        get_queryset = find_tickets  # type: ignore[assignment]

    made = Tickets.__new__(Tickets)
    assert made.session_factory is not None
    assert made.session_factory() is None
    assert made.get_queryset("ann") == "tickets of ann"  # type: ignore[arg-type]

    class Sessions(RowsHandler):
        def session_factory(self) -> Any:  # type: ignore[override]
            return self

        get_queryset = lambda self, request: request  # type: ignore[assignment]  # noqa: E731

    handler = Sessions.__new__(Sessions)
    assert handler.session_factory() is handler
    assert handler.get_queryset("ann") == "ann"


def test_a_property_is_asked_when_an_object_is_made() -> None:
    class Tickets(OrmCrudHandler):
        filt, model, fields, type_name = FILT, Ticket, ["title"], "options.Property"

        @property
        def permission(self) -> Any:  # type: ignore[override]
            return IsStaff

    assert repr(make(Tickets).plan.main.access.permission) == "IsStaff"


class Listed(ModelHandler):
    key = "test.open"
    payload_io = PayloadIO()

    def build_model(self, request: Any) -> list[Any]:
        return []


def test_key_is_short_for_a_filt() -> None:
    class Closed(Listed):
        key = "test.closed"

    class Filtered(Listed):
        filt = {"key": "test.open", "state": "new"}

    assert Listed().filt == {"key": "test.open"}
    assert Closed().filt == {"key": "test.closed"}
    assert Filtered().filt == {"key": "test.open", "state": "new"}
    assert Listed(key="test.other").filt == {"key": "test.other"}
    assert make(key="options", model=Ticket, fields=["title"]).filt == FILT


def test_key_and_another_filt_are_refused() -> None:
    with pytest.raises(DefinitionError, match=r"has both a key, 'test\.open', and another filt"):
        define(ModelHandler, key="test.open", filt={"key": "test.closed"})
    with pytest.raises(DefinitionError, match=r"key.*7"):
        define(ModelHandler, key=7)
