"""The tuple types and endpoints that the golden messages in ``tests/vectors`` speak of."""

from django_vortex import PayloadEndpoint, Request, Tuple, TupleField, tuple_type

FILTS = (
    {"key": "a.b"},
    {"key": "big"},
    {"key": "k"},
    {"key": "tupleDataObservable", "name": "obs"},
)


@tuple_type("vec.Simple")
class Simple(Tuple):
    """Three fields of any type."""

    a = TupleField()
    b = TupleField()
    c = TupleField()


@tuple_type("vec.Orm")
class Orm(Tuple):
    """The columns that the originals' table had."""

    id = TupleField()
    name = TupleField()
    ratio = TupleField()
    ok = TupleField()
    notAColumn = TupleField()


async def reply_with_what_came(request: Request) -> list[object]:
    """Reply with the tuples that came."""
    return list(request.tuples)


endpoints = [PayloadEndpoint(filt, reply_with_what_came) for filt in FILTS]
