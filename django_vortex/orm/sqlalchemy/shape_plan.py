"""What is the same for all requests about rows in one shape: `ShapePlan`.

Takes a `Shape`, gives what loads and reads such rows. The store keeps one for each shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django_vortex.orm.model_spec import Shape
from django_vortex.orm.rounded_keys import may_round
from django_vortex.orm.sqlalchemy.columns import ColumnReader
from django_vortex.orm.sqlalchemy.models import MappedModel
from django_vortex.orm.sqlalchemy.reading import Describe, RowReader, make_options


@dataclass(frozen=True, slots=True)
class ShapePlan:
    """How rows in a shape are loaded and read."""

    shape: Shape
    mapped: MappedModel
    describe: Describe
    reader: RowReader
    columns: ColumnReader
    options: Sequence[Any]
    """Of a statement, to load all of the shape."""

    read_names: frozenset[str]
    """Fields and relations."""

    may_round_key: bool
    """Whether the database may have the key more exactly than it is read."""


def make_shape_plan(shape: Shape, describe: Describe) -> ShapePlan:
    """Return how rows in a shape are loaded and read.

    Args:
        shape: What is read of each row.
        describe: Looks into its model and the related ones.
    """
    mapped = describe(shape.spec.model)
    return ShapePlan(
        shape=shape,
        mapped=mapped,
        describe=describe,
        reader=RowReader(shape, describe),
        columns=ColumnReader(shape, mapped),
        options=make_options(shape, describe),
        read_names=frozenset((*shape.names, *shape.nested)),
        may_round_key=may_round(column.values.type for column in mapped.keys),
    )
