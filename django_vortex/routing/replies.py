"""Make reply envelopes from what handlers return and raise.

Takes results and exceptions, gives envelopes with the complete filt of the request and a payload
that is already encoded for the peer's dialect.
"""

import datetime
import enum
import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeGuard

from django_vortex.exceptions import HandlerError, PeerError
from django_vortex.routing.failures import make_result
from django_vortex.routing.request import Request
from django_vortex.tuples import Tuple, TupleRegistry, registry
from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload
from django_vortex.wire.plain import is_true

MAX_TUPLES_ON_LOOP = 100
"""More than so many tuples are encoded off the loop."""

MAX_VALUES_ON_LOOP = 2000
"""Of tuples that hold more values than this, too; a list counts as one, and so do its items."""

CHARACTERS_PER_VALUE = 100
"""How many characters of a text are as much work as another value."""

_COUNTED = frozenset(
    {
        *(int, float, bool, type(None), uuid.UUID),
        *(datetime.datetime, datetime.date, datetime.time, datetime.timedelta),
    }
)
_LISTS = (list, tuple)
_SINGLE = (str, bytes, bytearray, Mapping, Tuple)
_NEVER_BLOCKING = (Tuple, str, int, float, bytes, Mapping, *_LISTS, datetime.date, type(None))


def make_reply(result: Any, request: Request, date: datetime.datetime) -> PayloadEnvelope | None:
    """Make the envelope that a handler's result means.

    Lists querysets and other lazy iterables and reads the tuples, so it may block: see
    `estimate_work`. The filt is the asker's outside and inside, whatever that of a returned payload
    is: some released clients read the one, some the other (PROTOCOL 4.5).

    Args:
        result: A `Payload`, a `PayloadEnvelope`, which may be such a reply already, an iterable of
            tuples, one tuple, or None, which is an empty answer for those who wait for one and
            silence for the others.
        request: What is answered.
        date: The date of the payload.
    """
    if result is None and not request.wants_reply:
        return None
    filt = request.reply_filt
    if issubclass(type(result), PayloadEnvelope):
        if is_reply(result, request):
            return result
        envelope = _readdress(result, filt, request.codec)
        if not isinstance(envelope.result, str | None) and not is_true(envelope.result):
            request.codec.encode_value(envelope.result, request.dialect)  # or raise here and now
    elif result is None:
        envelope = PayloadEnvelope(filt)
    else:
        payload = list_payload(result, request.codec.registry)
        payload.filt = filt
        envelope = PayloadEnvelope(filt, payload)
    request.encode(envelope, date)
    return envelope


def make_answer(
    tuples: list[Any], request: Request, date: datetime.datetime, *, result: Any = None
) -> PayloadEnvelope:
    """Make the reply with tuples that were listed for this request and nobody changes any more.

    Args:
        tuples: The tuples.
        request: What is answered.
        date: The date of the payload.
        result: What the reply says about success.
    """
    filt = request.reply_filt
    envelope = PayloadEnvelope(filt, Payload(filt, tuples), result=result)
    request.encode(envelope, date)
    return envelope


def is_reply(result: Any, request: Request) -> TypeGuard[PayloadEnvelope]:
    """Tell what `make_reply` has made for this very request, as handlers may let it do."""
    return (
        issubclass(type(result), PayloadEnvelope)
        and result.filt is request.reply_filt
        and result.is_encoded_for(request.dialect)
    )


def _readdress(envelope: PayloadEnvelope, filt: Filt, codec: Codec) -> PayloadEnvelope:
    """Return an envelope that says the same under another filt; a received payload is opened."""
    payload = None
    if envelope.has_payload:
        payload = list_payload(envelope.decode_payload(codec), codec.registry)
        payload.filt = filt
    return PayloadEnvelope(
        filt,
        payload,
        result=codec.replace_stand_ins(envelope.result),
        date=envelope.date,
        reply_filt=envelope.reply_filt,
    )


def list_payload(result: Any, registry: TupleRegistry = registry) -> Payload:
    """Return a payload of what a handler returned, its tuples in a list of its own.

    Args:
        result: What it returned.
        registry: Knows what is lazy.
    """
    if result is None:
        return Payload()
    kind = type(result)
    if kind is list:  # by far the most, and the checks below are slow
        return Payload(tuples=result.copy())
    if registry.stand_ins.includes(result):
        return list_payload(registry.stand_ins.resolve(result), registry)
    if issubclass(kind, Payload):
        return Payload(result.filt, list(result.tuples), result.date)
    if issubclass(kind, Iterable) and not issubclass(kind, _SINGLE):
        return Payload(tuples=list(result))
    return Payload(tuples=[result])


def is_one(result: Any, registry: TupleRegistry = registry) -> bool:
    """Return whether what a handler returned is one tuple or value, or none, and not a list.

    That is what `list_payload` makes a list of itself; the tuples of a payload are always one.

    Args:
        result: What it returned.
        registry: Knows what is lazy.
    """
    kind = type(result)
    if kind is list:
        return False
    if registry.stand_ins.includes(result):
        return is_one(registry.stand_ins.resolve(result), registry)
    if issubclass(kind, Payload | PayloadEnvelope):
        return False
    return not issubclass(kind, Iterable) or issubclass(kind, _SINGLE)


class Work(enum.Enum):
    """What `make_reply` of a handler's result is like."""

    SMALL = enum.auto()
    """It can be made on the event loop."""
    LARGE = enum.auto()
    """It takes long, and waits for nothing."""
    BLOCKING = enum.auto()
    """It may wait for a database."""


def estimate_work(result: Any) -> Work:
    """Return what making the reply is like, looking at no more than is little itself."""
    kind = type(result)  # a lazy value would have to be made to tell what it claims to be
    tuples = result
    if kind is not list:  # by far the most
        if result is None:
            return Work.SMALL
        if issubclass(kind, PayloadEnvelope):
            if not result.has_payload:
                return Work.SMALL
            return Work.LARGE if result.received_size else Work.BLOCKING
        if issubclass(kind, Payload):
            tuples = result.tuples
            kind = type(tuples)
        if issubclass(kind, _SINGLE):
            tuples = [tuples]
        elif not issubclass(kind, _LISTS):
            return Work.BLOCKING
    for item in tuples:
        kind = type(item)
        if kind not in _COUNTED and not issubclass(kind, _NEVER_BLOCKING):
            return Work.BLOCKING
    if len(tuples) > MAX_TUPLES_ON_LOOP or _is_large(tuples):
        return Work.LARGE
    return Work.SMALL


def _is_large(tuples: Collection[Any]) -> bool:
    """Return whether there are many values in tuples, or long texts."""
    left = MAX_VALUES_ON_LOOP
    waiting = [tuples]
    for values in waiting:  # which grows meanwhile
        left -= len(values)
        if left < 0:
            return True
        for value in values:
            kind = type(value)
            if kind in _COUNTED:
                continue
            if kind is str or kind is bytes:
                left -= len(value) // CHARACTERS_PER_VALUE
            elif issubclass(kind, Tuple):
                waiting.append(value.__dict__.values())
            elif issubclass(kind, _LISTS):
                waiting.append(value)
            elif kind is dict or issubclass(kind, Mapping):
                waiting.append(value.values())
    return left < 0


def make_failure(error: PeerError, request: Request, date: datetime.datetime) -> PayloadEnvelope:
    """Make the envelope that tells the asker what went wrong.

    Args:
        error: What is told. Tuples that it brings along are encoded here, which may block
            (`estimate_work`).
        request: What is answered.
        date: The date of the payload.

    Raises:
        UnencodableValue: The error has a part of the application's that cannot travel.
    """
    tuples = list(error.tuples) if isinstance(error, HandlerError) else []
    filt = request.reply_filt
    result = make_result(error, request.dialect)
    if not isinstance(result, str):
        request.codec.encode_value(result, request.dialect)  # or raise here and now
    if not tuples:
        return PayloadEnvelope(filt, result=result)
    envelope = PayloadEnvelope(filt, Payload(filt, tuples), result=result)
    request.encode(envelope, date)
    return envelope
