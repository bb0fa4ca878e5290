"""What a list may be asked for, and that its pages together are the list."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_vortex.exceptions import DefinitionError, ValidationError
from django_vortex.orm.conditions import AllOf, Comparison
from django_vortex.orm.crud.cursors import make_cursor
from django_vortex.orm.crud.listing import MAX_OPERANDS, Listing
from django_vortex.orm.model_spec import ModelField, Shape
from django_vortex.orm.store import Order, Scope
from django_vortex.tuples import TupleRegistry
from django_vortex.wire.codec import Codec
from tests.support.memory_store import MemoryRows, MemoryTable, MemoryUnit

CODEC = Codec(TupleRegistry())

TABLE = MemoryTable(
    "board.Ticket",
    ModelField("id", int, is_nullable=False),
    ModelField("title", str, is_nullable=False),
    ModelField("points", int),
    ModelField("labels", list[int], is_many=True),
    ModelField("extra", raw=True),
    ModelField("price", Decimal),
)
ORDERING = ("points", "title")
FILTERS = ("title", "points__in", "points__range", "title__icontains", "points__isnull", "points")
PRICES = ("price", "price__in", "price__range", "price__isnull")

LISTING = Listing(
    TABLE.spec, filters=FILTERS, ordering=ORDERING, default_ordering=["-title"], max_page_size=3
)

ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(-1, 1)), max_size=8)
ORDERS = st.lists(
    st.sampled_from([sign + name for name in ORDERING for sign in ("", "-")]), max_size=3
)


def read(filt: dict[str, Any], listing: Listing = LISTING) -> Any:
    return listing.read(filt, CODEC)


def open_rows(*rows: tuple[str, int | None]) -> MemoryRows:
    """Return the rows of a table that holds these, with their ids counted from 1."""
    TABLE.stored.clear()
    for title, points in rows:
        TABLE.add(title=title, points=points)
    return MemoryUnit([]).rows(Shape(TABLE.spec, ("id", "title", "points")), Scope())


def find(rows: MemoryRows, filt: dict[str, Any]) -> tuple[list[int], str | None]:
    """Return the ids of a page and the cursor behind it, as the work of a request does."""
    query = read(filt)
    found = rows.find(query.where, query.order, query.fetch, is_paged=True)
    if query.limit is None or len(found) <= query.limit:
        return [row.id for row in found], None
    place = rows.place(found[query.limit - 1])
    cursor = make_cursor(query.order, place, CODEC)
    return [row.id for row in found[: query.limit]], cursor


def find_pages(rows: MemoryRows, filt: dict[str, Any]) -> list[list[int]]:
    """Return the ids of all pages; there cannot be more than rows, but for the only one of none."""
    page, after = find(rows, filt)
    pages = [page]
    while after is not None:
        page, after = find(rows, {**filt, "after": after})
        pages.append(page)
        assert len(pages) <= len(TABLE.stored)
    return pages


@given(ROWS, st.none() | ORDERS, st.integers(1, 3))
def test_pages_together_are_the_whole_list(rows: Any, order: Any, limit: int):
    stored = open_rows(*rows)
    whole, _ = find(stored, {"order": order})
    assert sorted(whole) == [number + 1 for number in range(len(rows))]
    pages = find_pages(stored, {"order": order, "limit": limit})
    assert [key for page in pages for key in page] == whole
    assert all(len(page) == limit for page in pages[:-1])


@given(ROWS, ROWS, ORDERS, st.integers(1, 3))
def test_rows_that_come_and_go_shift_nothing(rows: Any, more: Any, order: Any, limit: int):
    stored = open_rows(*rows)
    page, after = find(stored, {"order": order, "limit": limit})
    if after is None:
        return
    rest, _ = find(stored, {"order": order})
    del TABLE.stored[page[-1],]
    for number, (title, points) in enumerate(more):
        TABLE.add(id=100 + number, title=title, points=points)
    later, _ = find(stored, {"order": order, "after": after})
    assert [key for key in later if key < 100] == rest[limit:]


@given(ROWS, st.sampled_from("abc"), st.sampled_from(["points", "-points"]))
def test_a_filter_holds_on_every_page(rows: Any, title: str, order: str):
    stored = open_rows(*rows)
    filt: dict[str, Any] = {"where": {"title": title}, "order": order, "limit": 1}
    wanted = [[number + 1] for number, row in enumerate(rows) if row[0] == title]
    assert sorted(find_pages(stored, filt)) == (wanted or [[]])


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        (None, [Order("title", True, True), Order("id")]),
        ([], [Order("id")]),
        ("points", [Order("points", False, True), Order("id")]),
        (["-points"], [Order("points", True, True), Order("id")]),
        (
            ["title", "-points"],
            [Order("title", False, True), Order("points", True, True), Order("id")],
        ),
    ],
)
def test_the_key_comes_last_in_every_order(order: Any, wanted: list[Order]):
    assert list(read({"order": order}).order) == wanted


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        (None, None),
        ({}, None),
        ({"title": "a"}, Comparison("title", "exact", "a")),
        ({"title": None}, Comparison("title", "exact", None)),
        ({"points__in": (1, 2)}, Comparison("points", "in", [1, 2])),
        ({"points__range": [0, 1]}, Comparison("points", "range", [0, 1])),
        ({"points__isnull": True}, Comparison("points", "isnull", True)),
        (
            {"points": 1, "title__icontains": "A"},
            AllOf((Comparison("points", "exact", 1), Comparison("title", "icontains", "A"))),
        ),
    ],
)
def test_filters_become_comparisons(where: Any, wanted: Any):
    assert read({"where": where}).where == wanted


@pytest.mark.parametrize(
    ("filt", "limit", "fetch", "is_paged"),
    [
        ({}, 2, 3, False),
        ({"limit": 3}, 3, 4, True),
        ({"limit": 1}, 1, 2, True),
        ({"after": "cursor"}, 2, 3, True),
    ],
)
def test_one_row_more_than_a_page_is_fetched(
    filt: dict[str, Any], limit: int, fetch: int, is_paged: bool
):
    listing = Listing(TABLE.spec, page_size=2, max_page_size=3)
    if "after" in filt:
        filt = {"after": make_cursor([Order("id")], [1], CODEC)}
    query = read(filt, listing)
    assert (query.limit, query.fetch, query.is_paged) == (limit, fetch, is_paged)


def test_without_a_page_size_all_rows_are_fetched():
    assert read({}).limit is read({}).fetch is None


@pytest.mark.parametrize(
    ("filt", "text"),
    [
        ({"where": {"id": 1}}, "'id' is nothing to filter by. Declared are: points, points__in"),
        ({"where": {"title__startswith": "x"}}, "nothing to filter by"),
        ({"where": {"owner__name": "x"}}, "nothing to filter by"),
        ({"where": {5: 1}}, "5 is nothing to filter by"),
        ({"where": {"title": 5}}, "title: Expected `str`"),
        ({"where": {"points": True}}, "points: Expected `int`"),
        ({"where": {"points__isnull": 1}}, "points__isnull: Expected `bool`"),
        ({"where": {"points__isnull": None}}, "points__isnull cannot be None"),
        ({"where": {"points__in": 5}}, "Expected a list, got 5"),
        ({"where": {"points__in": ["x"]}}, "points__in: Expected `int`"),
        ({"where": {"points__in": [1] * (MAX_OPERANDS + 1)}}, "takes at most 1000 values"),
        ({"where": {"points__range": [1]}}, "takes two values"),
        ({"where": {"points__range": [1, 2, 3]}}, "takes two values"),
        ({"where": {"points__range": [1, "x"]}}, "points__range: Expected `int`"),
        ({"where": [1]}, "Expected a dict, got [1]"),
        ({"order": ["id"]}, "'id' is nothing to order by. Declared are: points, title"),
        ({"order": ["--points"]}, "nothing to order by"),
        ({"order": [5]}, "5 is nothing to order by"),
        ({"order": 5}, "Expected a list, got 5"),
        ({"limit": 0}, "Expected 1 to 3, got 0"),
        ({"limit": 4}, "Expected 1 to 3, got 4"),
        ({"limit": True}, "Expected `int`, got True"),
        ({"limit": "1"}, "Expected `int`, got '1'"),
    ],
)
def test_anything_undeclared_is_a_clear_error(filt: dict[str, Any], text: str):
    [name] = filt
    with pytest.raises(ValidationError) as failure:
        read(filt)
    assert text in str(failure.value)
    assert str(failure.value).endswith(f"at `filt.{name}`")


def test_a_signaling_nan_is_nothing_to_filter_by():
    listing = Listing(TABLE.spec, filters=PRICES)
    strange, price = Decimal("sNaN"), Decimal("1e400")
    for name, value in [
        ("price", strange),
        ("price__in", [price, strange]),
        ("price__range", [price, strange]),
    ]:
        with pytest.raises(ValidationError, match=f"{name}: Expected a number, got"):
            read({"where": {name: value}}, listing)
    numbers = [price, Decimal("NaN"), Decimal("-Infinity")]
    taken = {"price": 5, "price__in": numbers, "price__isnull": True}
    assert len(read({"where": taken}, listing).where.conditions) == 3
    assert read({"where": {"price": None}}, listing).where.value is None


def test_as_many_values_as_allowed_are_taken():
    assert len(read({"where": {"points__in": [1] * MAX_OPERANDS}}).where.value) == MAX_OPERANDS


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"filters": ["nme"]}, "filters names 'nme'"),
        ({"filters": ["labels"]}, "board.Ticket.labels is nothing to filter by"),
        ({"filters": ["extra__isnull"]}, "board.Ticket.extra is nothing to filter by"),
        ({"ordering": ["titel"]}, "ordering names 'titel'.*Did you mean 'title'"),
        ({"ordering": ["labels"]}, "labels is a list, nothing to order by"),
        ({"default_ordering": ["-labels"]}, "labels is a list, nothing to order by"),
        ({"ordering": ["extra"]}, "order by board.Ticket.extra: databases have no order of such"),
    ],
)
def test_what_the_model_does_not_have_is_told_at_definition(options: dict[str, Any], text: str):
    with pytest.raises(DefinitionError, match=text):
        Listing(TABLE.spec, **options)


def test_a_default_order_need_not_be_open_to_peers():
    listing = Listing(TABLE.spec, default_ordering=["title"])
    assert [one.name for one in read({}, listing).order] == ["title", "id"]
    with pytest.raises(ValidationError, match="nothing to order by"):
        read({"order": "title"}, listing)
