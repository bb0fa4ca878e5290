from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from django_vortex.live.changes import Change
from django_vortex.live.dependencies import Dependency
from django_vortex.live.index import is_concerned
from django_vortex.live.merging import MAX_OF_TABLE, merge
from tests.unit.live.fakes import TEAMS, TICKETS, reads
from tests.unit.live.rows_model import queries, tables, writes


def equal_to(**values):
    return {column: frozenset({value}) for column, value in values.items()}


def test_same_reads_are_one():
    assert merge([reads(), reads(TEAMS), reads()]) == (reads(), reads(TEAMS))


def test_rows_that_were_read_one_by_one_are_one_dependency():
    one_by_one = [
        reads(equalities=equal_to(id=key), keys=frozenset({(key,)}), key_columns=("id",))
        for key in range(1000)
    ]
    [merged] = merge(one_by_one)
    assert merged.equalities == {"id": frozenset(range(1000))}
    assert merged.keys == frozenset((key,) for key in range(1000))


def test_several_equalities_belong_together():
    apart = (reads(equalities=equal_to(a=1, b=1)), reads(equalities=equal_to(a=2, b=2)))
    assert merge(apart) == apart


def test_more_than_can_be_kept_is_the_whole_table():
    many = [reads(equalities=equal_to(a=n, b=n)) for n in range(MAX_OF_TABLE + 1)]
    assert merge(many) == (Dependency(TICKETS),)
    assert merge(many[:-1]) == tuple(many[:-1])


@settings(max_examples=150, deadline=None)
@given(data=st.data(), table=tables, query=queries, others=st.lists(queries, max_size=3))
def test_merged_are_concerned_by_the_same_changes(data, table, query, others):
    values = data.draw(st.lists(st.integers(0, 2), max_size=3))
    alike = [
        replace(query, equalities={column: {value} for column in query.equalities})
        for value in values
    ]
    dependencies = [one.depend(table) for one in (query, *others, *alike)]
    _, change = data.draw(writes(table))
    assert is_concerned(merge(dependencies), [change]) == is_concerned(dependencies, [change])
    assert is_concerned(merge(dependencies), [Change(TICKETS)])
