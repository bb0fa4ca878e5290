"""Envelope to endpoint and back: filt matching, Request, PayloadEndpoint, PayloadIO.

Takes a request, gives reply envelopes. Imports `wire` and below; no framework, no transport.
"""
