"""Text to envelope and back: framing, dialects, codec, Payload, PayloadEnvelope.

Takes text or bytes, gives events and text. No I/O, no clock, no randomness; imports only `tuples`.
"""
