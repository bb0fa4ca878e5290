"""What handlers return and raise, as the envelopes that answer the asker.

Takes results and exceptions, gives envelopes with the asker's complete filt, their payload encoded
already for the dialect that the asker reads.
"""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from django_vortex.exceptions import HandlerError, PeerError
from django_vortex.routing.failures import make_result
from django_vortex.routing.request import Request
from django_vortex.tuples import Tuple
from django_vortex.typedefs import Filt
from django_vortex.wire.codec import Codec
from django_vortex.wire.envelope import PayloadEnvelope
from django_vortex.wire.payload import Payload

MAX_TUPLES_ON_LOOP = 100
"""More than so many tuples are encoded off the loop."""

_LISTS = (list, tuple)
_SINGLE = (str, bytes, bytearray, Mapping, Tuple)
_NEVER_BLOCKING = (Tuple, str, int, float, bytes, Mapping, *_LISTS, datetime.date, type(None))


def make_reply(result: Any, request: Request, date: datetime.datetime) -> PayloadEnvelope | None:
    """Make the envelope that a handler's result means.

    Lists querysets and other lazy iterables and reads the tuples, so it may block (`may_block`).
    The filt is the asker's outside and inside, whatever that of a returned payload is: some
    released clients read the one, some the other (PROTOCOL 4.5).

    Args:
        result: A `Payload`, a `PayloadEnvelope`, an iterable of tuples, one tuple, or None, which
            is an empty answer for those who wait for one and silence for the others.
        request: What is answered.
        date: The date of the payload.
    """
    if result is None and not request.wants_reply:
        return None
    filt = request.reply_filt
    if isinstance(result, PayloadEnvelope):
        envelope = _readdress(result, filt, request.codec)
    elif result is None:
        envelope = PayloadEnvelope(filt)
    else:
        payload = list_payload(result)
        payload.filt = filt
        envelope = PayloadEnvelope(filt, payload)
    envelope.encoded(request.codec, request.dialect, date)
    return envelope


def _readdress(envelope: PayloadEnvelope, filt: Filt, codec: Codec) -> PayloadEnvelope:
    """Give an envelope that says the same under another filt; a received payload is opened."""
    payload = None
    if envelope.has_payload:
        payload = list_payload(envelope.decode_payload(codec))
        payload.filt = filt
    return PayloadEnvelope(
        filt, payload, result=envelope.result, date=envelope.date, reply_filt=envelope.reply_filt
    )


def list_payload(result: Any) -> Payload:
    """Give a payload of what a handler returned, its tuples in a list of its own."""
    if result is None:
        return Payload()
    if result.__class__ is list:  # by far the most, and the checks below are slow
        return Payload(tuples=result.copy())
    if isinstance(result, Payload):
        return Payload(result.filt, list(result.tuples), result.date)
    if isinstance(result, Iterable) and not isinstance(result, _SINGLE):
        return Payload(tuples=list(result))
    return Payload(tuples=[result])


def may_block(result: Any) -> bool:
    """Say whether `make_reply` may wait for a database, or take long."""
    if result is None:
        return False
    if isinstance(result, PayloadEnvelope):
        return result.has_payload
    tuples = result.tuples if isinstance(result, Payload) else result
    if tuples.__class__ is not list and isinstance(tuples, _SINGLE):
        return False
    if not isinstance(tuples, _LISTS) or len(tuples) > MAX_TUPLES_ON_LOOP:
        return True
    return not all(isinstance(item, _NEVER_BLOCKING) for item in tuples)


def make_failure(error: PeerError, request: Request, date: datetime.datetime) -> PayloadEnvelope:
    """Make the envelope that tells the asker what went wrong.

    Args:
        error: What is told. Tuples that it brings along are encoded here, which may block
            (`may_block`).
        request: What is answered.
        date: The date of the payload.
    """
    tuples = list(error.tuples) if isinstance(error, HandlerError) else []
    filt = request.reply_filt
    result = make_result(error, request.dialect)
    if not tuples:
        return PayloadEnvelope(filt, result=result)
    envelope = PayloadEnvelope(filt, Payload(filt, tuples), result=result)
    envelope.encoded(request.codec, request.dialect, date)
    return envelope
