"""Envelope to endpoint and back: filt matching, Request, PayloadEndpoint, PayloadIO.

Takes a request, gives reply envelopes. Imports `wire` and below; no framework, no transport.
"""

from django_vortex.routing.address import EVERYONE, Address
from django_vortex.routing.endpoint import PayloadEndpoint, endpoint
from django_vortex.routing.payload_io import PayloadIO, payload_io
from django_vortex.routing.peer import Peer
from django_vortex.routing.request import Request

__all__ = [
    "EVERYONE",
    "Address",
    "PayloadEndpoint",
    "PayloadIO",
    "Peer",
    "Request",
    "endpoint",
    "payload_io",
]
