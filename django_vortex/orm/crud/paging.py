"""The rows of a list that single rows are asked about: pages that are full of visible ones.

Takes what a peer asks for, gives rows that it may see. A page that lacked the others, or a cursor
made of one of them, would tell of them.
"""

from typing import TYPE_CHECKING, Any

from django_vortex.orm.crud.listing import ListQuery
from django_vortex.orm.crud.model import ModelPlan
from django_vortex.routing.permission import Action

if TYPE_CHECKING:
    from django_vortex.orm.crud.work import CrudWork

MIN_ROWS = 200
"""How many rows are read at least each time that some of those before were hidden."""


def find_visible_rows(work: "CrudWork", plan: ModelPlan, query: ListQuery) -> list[Any]:
    """Give the rows of a page; one more than its limit if there is another page."""
    rows = work.rows(plan, Action.RETRIEVE)
    where, fetch = query.where, query.fetch
    visible: list[Any] = []
    while True:
        found = rows.find(where, query.order, fetch, is_paged=query.limit is not None)
        visible += [row for row in found if work.may(Action.RETRIEVE, plan, row)]
        if fetch is None or len(found) < fetch or len(visible) >= (query.fetch or 0):
            return visible[: query.fetch]
        where, fetch = query.behind(rows.place(found[-1])), max(fetch, MIN_ROWS)
