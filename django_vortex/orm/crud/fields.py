"""Which fields of a model travel.

Takes what an application wrote as ``fields``, gives names that the model has.
"""

from collections.abc import Iterable, Sequence

from django_vortex.exceptions import DefinitionError, did_you_mean, quoted
from django_vortex.orm.crud.row_tuples import registered_fields
from django_vortex.orm.model_spec import ModelField, ModelSpec
from django_vortex.tuples import TupleRegistry
from django_vortex.tuples.field_choice import ALL_FIELDS, read_fields
from django_vortex.wire.carried import get_uncarried


def find_names(
    spec: ModelSpec, fields: Sequence[str] | str | None, registry: TupleRegistry
) -> tuple[str, ...]:
    """Return the fields that are wanted, the primary key's among them.

    Raises:
        DefinitionError: None are named, or one that is not there or cannot travel.
    """
    if fields is None:
        fields = registered_fields(spec.model, registry)
        if fields is None:
            listed = ", ".join(map(repr, spec.fields))
            raise DefinitionError(
                f"Name the fields of {spec.label} that peers may see, fields=[{listed}], "
                f"or all of them, fields={ALL_FIELDS!r}; nothing of a table is shown unless named"
            )
    wanted = read_fields(fields)
    if isinstance(wanted, str):
        names = tuple(spec.fields)
    else:
        check_names(spec, wanted, "fields")
        names = (*(name for name in spec.key_names if name not in wanted), *wanted)
    for name in names:
        _check_carried(spec, spec.fields[name], registry)
    return names


def _check_carried(spec: ModelSpec, field: ModelField, registry: TupleRegistry) -> None:
    uncarried = None if field.raw else get_uncarried(field.type, registry)
    refusal = field.refusal
    if uncarried is not None:
        refusal = f"holds {uncarried.__qualname__}, which is neither a value nor a tuple type"
    if refusal:
        raise DefinitionError(f"{spec.label}.{field.name} {refusal}; leave it out of fields")


def get_field(spec: ModelSpec, name: str, what: str) -> ModelField:
    """Return a field by its name.

    Raises:
        DefinitionError: There is none.
    """
    check_names(spec, [name], what)
    return spec.fields[name]


def check_names(spec: ModelSpec, names: Iterable[str], what: str) -> None:
    """Look for names that are no fields.

    Raises:
        DefinitionError: There is one.
    """
    for name in names:
        if name not in spec.fields:
            raise unknown_name(spec, name, what, spec.fields)


def unknown_name(spec: ModelSpec, name: str, what: str, known: Iterable[str]) -> DefinitionError:
    """Return the error for a name that a model does not have."""
    text = f"{what} names {quoted(name)}, which {spec.label} does not have"
    return DefinitionError(text + did_you_mean(name, known))
