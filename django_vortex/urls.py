"""The URLs of a vortex, for ``path("", include("django_vortex.urls"))``.

Both paths serve WebSockets as well as HTTP. Old WebSocket clients use the second, and first send it
a GET to see whether it exists.
"""

from django.urls import re_path

from django_vortex.transports.startup import require_app
from django_vortex.transports.view import vortex_view

require_app()

urlpatterns = [
    re_path(r"^vortex/?$", vortex_view, name="vortex"),
    re_path(r"^vortexws/?$", vortex_view, {"is_probed": True}, name="vortexws"),
]
