"""Rows, queries and writes by brute force: what a change concerns is what gives another result.

For property tests: each write comes with a change that says of it as much as an adapter may, or
less, or something of another type that nobody can compare.
"""

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import strategies as st

from django_vortex.live.changes import Change, Operation
from django_vortex.live.dependencies import Dependency
from tests.unit.live.fakes import TICKETS

COLUMNS = ("a", "b", "c")
VALUES = (None, 0, 1, 2)

rows = st.fixed_dictionaries({"a": st.sampled_from(VALUES), "b": st.sampled_from(VALUES)}).flatmap(
    lambda row: st.integers(0, 3).map(lambda c: {**row, "c": c})
)
tables = st.dictionaries(st.integers(1, 6), rows, min_size=2, max_size=6)


@dataclass(frozen=True)
class Query:
    """What is asked of the rows, and how."""

    equalities: dict
    at_least: int | None
    order: str | None
    limit: int | None
    selected: tuple
    is_by_keys: bool
    says: frozenset

    def run(self, table):
        found = [
            key
            for key, row in sorted(table.items())
            if all(self._get(key, row, name) in some for name, some in self.equalities.items())
            and (self.at_least is None or row["c"] >= self.at_least)
        ]
        if self.order:
            found.sort(key=lambda key: (table[key][self.order] or 0, key))
        return found[: self.limit]

    def _get(self, key, row, name):
        return key if name == "id" else row[name]

    def result(self, table):
        shown = [
            (key if self.is_by_keys else None, *(table[key][name] for name in self.selected))
            for key in self.run(table)
        ]
        # Without order an aggregate: the number of rows, and what they have.
        return shown if self.is_by_keys or self.order else sorted(shown, key=repr)

    def depend(self, table):
        deciding = {*self.equalities, *([self.order] if self.order else ())}
        if self.at_least is not None:
            deciding.add("c")
        return Dependency(
            TICKETS,
            {name: frozenset(some) for name, some in self.equalities.items()},
            keys=frozenset((key,) for key in self.run(table)) if self.is_by_keys else None,
            deciding=frozenset(deciding) if "deciding" in self.says else None,
            columns=frozenset({*deciding, *self.selected}) if "columns" in self.says else None,
            key_columns=("id",) if "key_columns" in self.says else (),
        )


def subsets(of):
    return st.sets(st.sampled_from(of)).map(frozenset)


queries = st.builds(
    Query,
    equalities=st.fixed_dictionaries(
        {},
        optional={
            "a": st.sets(st.sampled_from(VALUES), min_size=1),
            "b": st.sets(st.sampled_from(VALUES), min_size=1),
            "id": st.sets(st.integers(1, 6), min_size=1),
        },
    ),
    at_least=st.none() | st.integers(0, 3),
    order=st.none() | st.sampled_from(COLUMNS),
    limit=st.none() | st.integers(1, 3),
    selected=subsets(COLUMNS).map(lambda names: tuple(sorted(names))),
    is_by_keys=st.booleans(),
    says=subsets(["deciding", "columns", "key_columns"]),
)


def common(rows_):
    """Return what all rows have in common."""
    rows_ = list(rows_)
    if not rows_:
        return {}
    return {k: v for k, v in rows_[0].items() if all(row[k] == v for row in rows_)}


def disguised(draw, value):
    """Return a value, at times of another type; NULL is always None."""
    others = [[value]] if value is None else [str(value), [value], Decimal(value)]
    return draw(st.sampled_from([value] * 6 + others))


@st.composite
def known(draw, values):
    """Say some of what is known, at times in a form in which nobody can compare it."""
    names = draw(subsets(sorted(values))) if values else ()
    return {name: disguised(draw, values[name]) for name in names}


@st.composite
def writes(draw, table):
    """Return the table after a write, and the change that tells of it."""
    operation = draw(st.sampled_from(["insert", "update", "delete"]))
    after, columns = dict(table), None
    if operation == "insert":
        keys = draw(subsets(sorted(set(range(1, 8)) - set(table))))
        after.update({key: draw(rows) for key in keys})
    else:
        keys = draw(subsets(sorted(table))) if table else frozenset()
    if operation == "delete":
        after = {key: row for key, row in table.items() if key not in keys}
    if operation == "update":
        same = draw(st.dictionaries(st.sampled_from(COLUMNS), st.sampled_from(VALUES[1:])))
        grown = draw(st.sampled_from([(), ("c",), ("a",)]))
        for key in keys:
            row = {**table[key], **same}
            after[key] = {**row, **{name: (row[name] or 0) + 1 for name in grown}}
        columns = frozenset({*same, *grown}) | draw(subsets(COLUMNS))
    old = common({**table[key], "id": key} for key in keys if key in table)
    new = common({**after[key], "id": key} for key in keys if key in after)
    told = frozenset((key,) for key in keys) | {(key,) for key in draw(subsets(range(1, 8)))}
    change = Change(
        TICKETS,
        draw(st.sampled_from([Operation(operation)] * 3 + [Operation.ANY])),
        keys=draw(st.sampled_from([told, told, None, frozenset((str(k),) for (k,) in told)])),
        columns=draw(st.sampled_from([columns, None])),
        old=draw(known(old)),
        new=draw(known(new)),
    )
    return after, change
