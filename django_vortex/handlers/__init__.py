"""Endpoint to reply: queries, ModelHandler and AsyncModelHandler.

Takes requests, gives payloads. Imports `routing` and below; knows no ORM and no transport.
"""

from django_vortex.handlers.async_model_handler import AsyncModelHandler
from django_vortex.handlers.model_handler import ModelHandler

__all__ = ["AsyncModelHandler", "ModelHandler"]
