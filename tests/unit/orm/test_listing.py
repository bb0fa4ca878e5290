"""What a list may be asked for, over the tickets."""

from typing import Any

import pytest

from django_vortex.orm.listing import Page
from tests.unit.orm.crud_bench import CrudBench, ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def lists(crud: CrudBench) -> CrudBench:
    for title, points, owner in [("a", 1, None), ("b", 2, 5), ("c", 2, None), ("d", 1, 4)]:
        ticket(title=title, points=points, owner_id=owner)
    crud.serve(
        retrieve_all=True,
        filters=["title", "points__in", "points__range", "title__icontains", "owner_id__isnull"],
        ordering=["points", "owner_id", "title"],
        default_ordering=["-title"],
        max_page_size=3,
    )
    return crud


def titles(crud: CrudBench, **filt: Any) -> str:
    return "".join(one.title for one in crud.rows_of(crud.say(**filt)))


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({}, "dcba"),
        ({"title": "a"}, "a"),
        ({"points__in": [2, 3]}, "cb"),
        ({"points__in": []}, ""),
        ({"points__range": [0, 1]}, "da"),
        ({"title__icontains": "B"}, "b"),
        ({"owner_id__isnull": True, "points__in": [1]}, "a"),
    ],
)
def test_filters(lists: CrudBench, where: Any, found: str):
    assert titles(lists, where=where) == found


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("title", "abcd"),
        (["points"], "adbc"),
        (["-points", "-title"], "cbda"),
        (["owner_id"], "dbac"),
        (["-owner_id"], "acbd"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_give_every_row_once_in_order(lists: CrudBench, order: Any, found: str, limit: int):
    assert titles(lists, order=order) == found
    seen, after = "", None
    for _ in range(10):
        *rows, page = lists.rows_of(lists.say(order=order, limit=limit, after=after))
        assert isinstance(page, Page)
        assert page.count == len(rows) <= limit
        seen += "".join(one.title for one in rows)
        after = page.next
        if after is None:
            break
    assert seen == found


@pytest.mark.parametrize(
    "filt",
    [
        {"where": {"secret": "x"}},
        {"where": {"title__startswith": "x"}},
        {"where": {"title": 5}},
        {"where": {"title": None, "points__range": [1]}},
        {"where": {"points__in": list(range(1001))}},
        {"where": [1]},
        {"order": ["secret"]},
        {"order": ["author__name"]},
        {"order": [5]},
        {"limit": 0},
        {"limit": 4},
        {"limit": True},
        {"limit": "1"},
        {"after": "x"},
        {"after": 5},
        {"order": ["points"], "after": "WyJ4IixbMV1d"},
    ],
)
def test_anything_undeclared_is_a_clear_error(lists: CrudBench, filt: dict[str, Any]):
    reply = lists.say(**filt)
    assert reply.result["error"] == "validation"
    assert "filt." in reply.result["text"]


def test_a_cursor_of_another_order_is_none(lists: CrudBench):
    *_, page = lists.rows_of(lists.say(order=["points"], limit=1))
    assert lists.say(order=["-points"], after=page.next).result["error"] == "validation"


def test_lists_are_for_handlers_that_give_all(crud: CrudBench):
    crud.serve(filters=["title"])
    assert crud.say(where={"title": "a"}).result["error"] == "validation"
