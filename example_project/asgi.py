"""The entry point of ASGI servers."""

import os

from django_vortex import vortex_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")

application = vortex_application()
