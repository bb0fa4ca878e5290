"""SQLAlchemy classes as tuples, without changing them.

Takes declarative (or otherwise mapped) classes, gives their mapped columns under their attribute
names; relationships neither travel nor load. SQLAlchemy is imported when the first such class is
looked into, so that it is not needed, nor paid for, where there is none.

What is loaded is read as it is. What a commit has expired is loaded again, which is refused on an
event loop: there it would wait for the database.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django_vortex.exceptions import DefinitionError, MalformedMessage, quoted
from django_vortex.routing.ports import is_on_loop
from django_vortex.tuples import Construction, FieldSpec, TupleRegistry


class SqlAlchemyAdapter:
    """Reads and rebuilds instances of mapped classes."""

    takes_subclasses = True
    needs_fields = True

    def list_names(self, cls: type[Any]) -> Sequence[str]:
        """List the names of the columns; mappers that this one needs may be missing yet."""
        from sqlalchemy import Column

        columns = cls.__mapper__.columns
        return [name for name, column in columns.items() if isinstance(column, Column)]

    def find_fields(self, cls: type[Any]) -> Sequence[FieldSpec]:
        """List the mapped columns, inherited ones included."""
        from sqlalchemy import Column, inspect
        from sqlalchemy.types import JSON

        found = []
        for attribute in inspect(cls).column_attrs:
            column = attribute.columns[0]
            if isinstance(column, Column) and not attribute.key.startswith("_"):
                is_raw = isinstance(column.type, JSON)
                python_type = None if is_raw else _python_type(column.type)
                read = _make_read(attribute.key)
                found.append(FieldSpec(attribute.key, python_type, is_raw, read))
        return found

    def get_construction(self, cls: type[Any], fields: Sequence[FieldSpec]) -> Construction:
        """Set attributes of a transient instance, as assignments would, and nothing else."""
        from sqlalchemy import inspect
        from sqlalchemy.orm.attributes import set_attribute

        manager = inspect(cls).class_manager

        def build(values: Mapping[str, object]) -> object:
            instance = manager.new_instance()  # instrumented, past the user's __init__
            for name, value in values.items():
                try:
                    set_attribute(instance, name, value)
                except (ValueError, AssertionError) as error:  # what validators refuse with
                    text = f"{cls.__qualname__} refuses {quoted(value)}"
                    raise MalformedMessage(text, f".{name}") from error
            return instance

        return Construction(build)


def install(registry: TupleRegistry) -> None:
    """Let SQLAlchemy classes be tuple types of a registry.

    They are known by what SQLAlchemy sets on them: the base of the older kind is made by a function
    and has no name of its own.
    """
    registry.add_attribute_adapter("__mapper__", SqlAlchemyAdapter())


def _python_type(column_type: Any) -> type | None:
    """Give the type of a column's values, None where SQLAlchemy does not know it for certain."""
    from sqlalchemy.types import TypeDecorator

    kind = type(column_type)
    if isinstance(column_type, TypeDecorator) and kind.python_type is TypeDecorator.python_type:
        return None  # says what is stored, not what its user sees
    try:
        found = column_type.python_type
    except NotImplementedError:
        return None
    return found if isinstance(found, type) else None


def _make_read(name: str) -> Callable[[Any], object]:
    def read(instance: Any) -> object:
        attributes = instance.__dict__
        return attributes[name] if name in attributes else _read_unloaded(instance, name)

    return read


def _read_unloaded(instance: Any, name: str) -> object:
    """Read what is not there: None if it was never set or loaded, otherwise load it again."""
    from sqlalchemy import inspect

    state = inspect(instance)
    if name not in state.expired_attributes:
        return None
    where = f"{type(instance).__qualname__}.{name}"
    if state.session is None:
        raise DefinitionError(
            f"{where} has expired and its session is closed; refresh the instance before, "
            "or make the session with expire_on_commit=False"
        )
    if is_on_loop():
        raise DefinitionError(
            f"{where} has expired and would be loaded on the event loop; refresh it before"
        )
    return getattr(instance, name)
