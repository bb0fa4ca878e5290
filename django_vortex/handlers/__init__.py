"""Endpoint to reply: ModelHandler and AsyncModelHandler.

Takes requests, gives payloads. Imports `routing` and below; knows no ORM and no transport.
"""
