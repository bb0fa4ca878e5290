"""Tuple classes as a VortexPY user declares them, under the type names of our servers."""

from typing import Optional

from vortex.Tuple import Tuple, TupleField, addTupleType

from tests.interop.originals.notation import Record

IS_OLDEST = not hasattr(Tuple, "tupleFieldNames")
"""Whether this is VortexPY 0.x."""


@addTupleType
class SampleTuple(Tuple):
    __tupleType__ = "e2e.Sample"

    number = TupleField()
    text = TupleField()
    ratio = TupleField()
    flag = TupleField()
    when = TupleField()
    data = TupleField()
    children = TupleField()
    mapping = TupleField()


@addTupleType
class AirportTuple(Tuple):
    __tupleType__ = "airports.Airport"

    iata = TupleField()
    name = TupleField()
    city = TupleField()
    state = TupleField()
    country = TupleField()
    latitude = TupleField()
    longitude = TupleField()


@addTupleType
class AirportRowTuple(AirportTuple):
    __tupleType__ = "airports.AirportRow"

    version = TupleField()


@addTupleType
class PushedAirportTuple(AirportTuple):
    __tupleType__ = "e2e.PushedAirport"

    version = TupleField()


@addTupleType
class PageTuple(Tuple):
    __tupleType__ = "vortex.Page"

    next = TupleField()
    count = TupleField()


class Ticket(Tuple):
    """What the tickets of both stores have."""

    id = TupleField()
    title = TupleField()
    state = TupleField()
    points = TupleField()
    price = TupleField()


class Project(Tuple):
    """What the projects of both stores have."""

    id = TupleField()
    name = TupleField()
    code = TupleField()


@addTupleType
class DjangoTicket(Ticket):
    __tupleType__ = "crud.DjangoTicket"


@addTupleType
class DjangoProject(Project):
    __tupleType__ = "crud.DjangoProject"


@addTupleType
class AlchemyTicket(Ticket):
    __tupleType__ = "crud.AlchemyTicket"


@addTupleType
class AlchemyProject(Project):
    __tupleType__ = "crud.AlchemyProject"


CLASSES = {
    cls.__tupleType__: cls
    for cls in (
        *[SampleTuple, AirportTuple, AirportRowTuple, PushedAirportTuple, PageTuple],
        *[DjangoTicket, DjangoProject, AlchemyTicket, AlchemyProject],
    )
}


def describe(value: object) -> Optional[Record]:
    """Return a tuple object with its declared fields; None for anything else."""
    if not isinstance(value, Tuple):
        return None
    names = value.__fieldNames__ if IS_OLDEST else value.tupleFieldNames()
    fields = {name: getattr(value, name) for name in names}
    return Record(value.tupleType(), fields, type(value).__name__)


def build(record: Record) -> Tuple:
    """Return the tuple object that a record describes."""
    return CLASSES[record.type_name](**record.fields)
