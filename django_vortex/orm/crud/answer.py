"""The answer with what a CRUD request has read.

Takes the tuples, gives the envelope that is sent as it is, or names the field that cannot travel.
"""

from collections.abc import Sequence
from typing import Any

from django_vortex.exceptions import DefinitionError, HandlerError, quoted
from django_vortex.logs import get_limited_logger
from django_vortex.orm.crud.work import Outcome
from django_vortex.routing.payload_io import PayloadIO
from django_vortex.routing.request import Request
from django_vortex.wire.encode_plans import TUPLE_DEPTH
from django_vortex.wire.encoder import ValueEncoder
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload

logger = get_limited_logger(__name__)


async def make_read_answer(
    outcome: Outcome, request: Request, payload_io: PayloadIO
) -> PayloadEnvelope | None:
    """Return the envelope with what was read.

    Args:
        outcome: What was read.
        request: Who asks.
        payload_io: Encodes it where that belongs.

    Raises:
        HandlerError: A field of a row cannot travel.
    """
    try:
        return await payload_io.make_reply(Payload(tuples=outcome.tuples), request)
    except DefinitionError as error:
        place = _get_unencodable(outcome.tuples, request)
        if place is None:
            raise
        index, name = place
        logger.exception("Field %s of tuple %d cannot travel", quoted(name), index)
        raise HandlerError(
            f"Tuple {index}, field {quoted(name)}: this value cannot be sent,"
            " it is of a kind that does not travel or nested too deep"
        ) from error


def _get_unencodable(tuples: Sequence[Any], request: Request) -> tuple[int, str] | None:
    """Return the tuple and the field that cannot travel, None if it is something else."""
    encoder = ValueEncoder(request.codec, request.dialect)
    for index, one in enumerate(tuples):
        tuple_type = request.codec.registry.get_by_class(type(one))
        for field in () if tuple_type is None else tuple_type.fields:
            try:
                value = getattr(one, field.name) if field.read is None else field.read(one)
                if field.raw:
                    encoder.check_raw(value, TUPLE_DEPTH)
                else:
                    encoder.encode(value, TUPLE_DEPTH)
            except DefinitionError:
                return index, field.name
    return None
