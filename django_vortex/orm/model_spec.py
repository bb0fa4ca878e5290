"""What is known of a model, whichever ORM it is of, and what is read of each of its rows.

Stores make a `ModelSpec` of a model; handlers choose a `Shape` of it. The values of both are plain:
they name the fields, relations and columns of a table, and know no database.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django_vortex.orm.uniqueness import Unique


@dataclass(frozen=True, slots=True)
class ModelField:
    """One field of a model that can travel."""

    name: str
    """The name in tuples. A foreign key goes by its column's attribute (``author_id``)."""

    type: Any = None
    """The Python type of its values, checked while decoding; None takes any value."""

    raw: bool = False
    """Whether the value is plain JSON that travels as it is."""

    is_nullable: bool = True
    """Whether it may be None."""

    is_required: bool = False
    """Whether a new row has to be given a value: no NULL, no default, not made by the database."""

    is_read_only: bool = False
    """Whether only the database or the model decides the value."""

    has_varying_default: bool = False
    """Whether the default of each new row is another one, as a time or a random number is."""

    is_many: bool = False
    """Whether the value is a list of keys of other rows, of any order."""

    refusal: str = ""
    """Why its values cannot travel, which is an error if the field is chosen."""

    is_ordered: bool = True
    """Whether databases can order rows by it."""

    columns: frozenset[str] = frozenset()
    """Its columns, each as ``table.column``, the same for all models that share a table."""

    refers_to: frozenset[str] = frozenset()
    """The columns one of whose values it has to have, as a foreign key."""

    is_comparable: bool = True
    """Whether peers can name a value to compare it with."""

    has_text: bool = True
    """Whether look-ups of text apply, to the value or to how the database writes it."""


@dataclass(frozen=True, slots=True)
class ModelRelation:
    """A way from a model to related rows, which travel inside a tuple when asked for."""

    name: str
    model: Any
    is_many: bool

    field: str | None = None
    """The field that names the related rows, None if that is not one field of this model."""

    target: str | None = None
    """The field of the related model whose values stand in `field`, mostly its primary key."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a store knows of a model."""

    model: Any
    """The Django model, mapped class or Core table."""

    label: str
    """The default name of its tuple type, ``stock.Airport``."""

    fields: Mapping[str, ModelField]
    """All fields that could travel, in the order of the model."""

    key_names: tuple[str, ...]
    """The fields of the primary key."""

    relations: Mapping[str, ModelRelation] = field(default_factory=dict)
    """What may be nested."""

    unique: tuple[Unique, ...] = ()
    """What no two rows have together, apart from the key, as far as it is known.

    Only what the database looks at with each statement.
    """


@dataclass(frozen=True, slots=True)
class Shape:
    """What is read of each row of a model."""

    spec: ModelSpec
    names: tuple[str, ...]
    """The fields, the primary key's among them."""

    nested: "Mapping[str, Shape]" = field(default_factory=dict)
    """By relation: what is read of the related rows; loaded with one statement per relation."""

    guarded: frozenset[str] = frozenset()
    """Relations whose rows `Scope.nested` tells which of; without it there are none."""

    type_name: str | None = None
    """The name of the tuple type of related rows, None for the model's."""
