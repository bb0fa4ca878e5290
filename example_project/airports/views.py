"""The page at ``/``."""

from typing import Any

from django.views.generic import TemplateView

from django_vortex.conf import get_settings
from example_project.airports.models import Airport


class HomeView(TemplateView):
    """Says what this server serves and how a client gets it."""

    template_name = "airports/home.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the number of airports and where this very server is reached."""
        host = self.request.get_host()
        return super().get_context_data(
            airport_count=Airport.objects.count(),
            server_name=get_settings().name,
            host=host,
            hostname=host.rpartition(":")[0] or host,
            port=self.request.get_port(),
            is_secure=self.request.is_secure(),
            **kwargs,
        )
