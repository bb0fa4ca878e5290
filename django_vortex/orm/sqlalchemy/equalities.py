"""Which values a WHERE clause asks of columns: `find_equalities`.

Takes the clauses of a compiled statement, gives for columns a `Comparison`, which says with the
parameters of an execution what the column must be equal to. What is not a plain comparison at the
top says nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import BinaryExpression, BindParameter, Column, ColumnElement
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BooleanClauseList, False_, Grouping, Null, True_

from django_vortex.live.comparing import UNKNOWN
from django_vortex.orm.sqlalchemy.exact_values import Fit, find_fit, is_untyped

Parameters: TypeAlias = Mapping[str, Any]
"""Values by the names of an execution's parameters."""

Expansions: TypeAlias = Mapping[str, Iterable[str]]
"""By the name of a list its parameters' names."""

FitOf: TypeAlias = Callable[[Any], Fit | None]
"""Takes the type of a column, gives what fits its values."""

_EQUALS: Final = (operators.eq, operators.is_, operators.in_op)
_CONSTANTS: Final = {Null: None, True_: True, False_: False}
_NO_TYPE: Final = object()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a column is compared with.

    Attributes:
        column: The column.
        fit: What makes the values that are compared.
        name: The parameter, None for a constant.
        constant: The constant.
        is_list: Whether the parameter is a list of values.
    """

    column: ColumnElement[Any]
    fit: Fit
    name: str | None
    constant: Any = None
    is_list: bool = False

    def find_values(self, row: Parameters, expansions: Expansions) -> frozenset[Any] | None:
        """Return what the column must be equal to, None if that is not known."""
        if self.name is None:
            values = [self.constant]
        elif not self.is_list:
            values = [row.get(self.name, UNKNOWN)]
        elif self.name in expansions:
            values = [row.get(name, UNKNOWN) for name in expansions[self.name]]
        else:
            return None
        fitted = [self.fit(value) for value in values]
        return None if UNKNOWN in fitted else frozenset(fitted)


def find_equalities(
    clauses: Iterable[Any],
    is_own: Callable[[Column[Any]], bool],
    names: Mapping[BindParameter[Any], str],
    fit_of: FitOf = find_fit,
) -> Iterator[Comparison]:
    """Yield the comparisons that every row has to pass.

    Args:
        clauses: All of which must hold.
        is_own: Tells the columns that are meant.
        names: What parameters are called in the compiled statement.
        fit_of: Says which types are compared exactly.
    """
    for clause in clauses:
        while isinstance(clause, Grouping):
            clause = clause.element
        if isinstance(clause, BooleanClauseList) and clause.operator is operators.and_:
            yield from find_equalities(clause.clauses, is_own, names, fit_of)
        elif isinstance(clause, BinaryExpression) and clause.operator in _EQUALS:
            sides = [(clause.left, clause.right)]
            if clause.operator is operators.eq:
                sides.append((clause.right, clause.left))
            for column, other in sides:
                if isinstance(column, Column) and is_own(column):
                    comparison = _make_comparison(column, other, names, fit_of)
                    if comparison is not None:
                        yield comparison


def _make_comparison(
    column: Column[Any], other: Any, names: Mapping[BindParameter[Any], str], fit_of: FitOf
) -> Comparison | None:
    fit = fit_of(column.type)
    if fit is None:
        return None
    constant = _CONSTANTS.get(type(other), _NO_TYPE)
    if constant is not _NO_TYPE:
        return Comparison(column, fit, None, constant)
    if not isinstance(other, BindParameter) or other not in names:
        return None
    if fit_of(other.type) is not fit and not is_untyped(other.type):
        return None
    return Comparison(column, fit, names[other], is_list=bool(other.expanding))
