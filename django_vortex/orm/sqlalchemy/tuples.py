"""SQLAlchemy classes as tuples, without changing them.

Takes declarative (or otherwise mapped) classes, gives their mapped columns under their attribute
names; relationships neither travel nor load. SQLAlchemy is imported when the first such class is
looked into, so that it is not needed, nor paid for, where there is none.

What is loaded is read as it is. What a commit has expired is loaded again, and what is deferred is
loaded, but not on an event loop: there it would wait for the database.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django_vortex.exceptions import LoadsOnLoop, MalformedMessage, UnencodableValue, quoted
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
        """List the mapped columns, inherited ones included, with the values that CRUD reads."""
        from sqlalchemy import Column, inspect

        from django_vortex.orm.sqlalchemy.models import describe_attributes

        found = []
        for attribute, values in describe_attributes(inspect(cls)):
            name = attribute.key
            if isinstance(attribute.columns[0], Column):
                read = _make_read(name, values.export)
                found.append(FieldSpec(name, values.type, values.is_raw, read, values.refusal))
        return found

    def get_construction(self, cls: type[Any], fields: Sequence[FieldSpec]) -> Construction:
        """Set attributes of a transient instance, as assignments would, and nothing else."""
        from sqlalchemy import inspect
        from sqlalchemy.orm.attributes import set_attribute

        mapper = inspect(cls)
        manager = mapper.class_manager

        def build(values: Mapping[str, object]) -> object:
            instance = manager.new_instance()  # instrumented, past the user's __init__
            for name, value in values.items():
                try:
                    set_attribute(instance, name, value)
                except (ValueError, AssertionError) as error:
                    if name not in mapper.validators:  # which alone refuse with these
                        raise
                    text = f"{cls.__qualname__} refuses {quoted(value)}"
                    raise MalformedMessage(text, f".{name}") from error
            return instance

        return Construction(build)

    def get_key_names(self, cls: type[Any]) -> Sequence[str]:
        """Return the attributes of the primary key."""
        mapper = cls.__mapper__
        return tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)


def install(registry: TupleRegistry) -> None:
    """Let SQLAlchemy classes be tuple types of a registry.

    They are known by what SQLAlchemy sets on them: the base of the older kind is made by a function
    and has no name of its own.
    """
    registry.add_attribute_adapter("__mapper__", SqlAlchemyAdapter())


def _make_read(name: str, export: Callable[[Any], Any] | None) -> Callable[[Any], object]:
    def read(instance: Any) -> object:
        attributes = instance.__dict__
        return attributes[name] if name in attributes else _read_unloaded(instance, name)

    if export is None:
        return read

    def read_exported(instance: Any) -> object:
        value = read(instance)
        return None if value is None else export(value)

    return read_exported


def _read_unloaded(instance: Any, name: str) -> object:
    """Load what is not there: expired or deferred. None if the row is new and it was never set."""
    from sqlalchemy import inspect

    state = inspect(instance)
    is_expired = name in state.expired_attributes
    if not is_expired and state.key is None:
        return None
    where = f"{type(instance).__qualname__}.{name}"
    what = "has expired" if is_expired else "is deferred"
    if state.session is None:
        raise UnencodableValue(
            f"{where} {what} and its session is closed; load it before, refresh the instance, "
            "or make the session with expire_on_commit=False"
        )
    if state.async_session is not None:
        raise UnencodableValue(
            f"{where} {what}, and an AsyncSession loads nothing by itself; load it before, with "
            "the row or by `await session.refresh(...)`"
        )
    if is_on_loop():
        raise LoadsOnLoop(f"{where} {what} and would be loaded on the event loop; load it before")
    return getattr(instance, name)
