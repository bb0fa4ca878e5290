"""The page at ``/``."""

from typing import Any

from django.conf import settings
from django.views.generic import TemplateView
from sqlalchemy import func, inspect, select

from django_vortex.conf import get_settings
from example_project.airports.tables import Airport, engine, make_session
from example_project.board.models import Ticket


class HomeView(TemplateView):
    """Shows both apps, says what this server serves and how a client gets it."""

    template_name = "home/home.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what is there, and where this very server is reached."""
        host = self.request.get_host()
        vortex = get_settings()
        return super().get_context_data(
            airport_count=count_airports(),
            has_tickets=Ticket.objects.exists(),
            states=Ticket.State.choices,
            server_name=vortex.name,
            has_layer=has_layer(),
            sweep_seconds=vortex.sweep_seconds,
            host=host,
            hostname=host.rpartition(":")[0] or host,
            port=self.request.get_port(),
            is_secure=self.request.is_secure(),
            **kwargs,
        )


def has_layer() -> bool:
    """Return whether other processes reach this server: over Redis, not over memory."""
    default = settings.CHANNEL_LAYERS.get("default", {})
    return "channels_redis" in default.get("BACKEND", "")


def count_airports() -> int:
    """Count the airports, none as long as ``load_airports`` has not made their table."""
    if not inspect(engine).has_table(Airport.__tablename__):
        return 0
    with make_session() as session:
        return session.scalar(select(func.count()).select_from(Airport)) or 0
