"""Settings of the server processes that tests start: the example project's, and one more app.

What a test varies comes from the environment, as `tests.support.servers` writes it.
"""

import json
import os

from example_project.settings import *  # noqa: F403
from example_project.settings import DATABASES, MIDDLEWARE
from example_project.settings import INSTALLED_APPS as EXAMPLE_APPS
from example_project.settings import VORTEX as EXAMPLE_VORTEX

INSTALLED_APPS = [*EXAMPLE_APPS, "rest_framework.authtoken", "tests.e2e.app"]
ROOT_URLCONF = "tests.e2e.urls"
# Tests log in by the hundred; how passwords are hashed is not what they are about.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# All test peers come from one address and at once; a test of the throttle says so itself.
VORTEX = {
    "OPENING_SECONDS": 0,
    "THROTTLE_PEERS_PER_ADDRESS": 0,
    "THROTTLE_PEERS": 0,
    **EXAMPLE_VORTEX,
}

if os.environ.get("E2E_OLD_PROJECT"):
    MIDDLEWARE.append("tests.e2e.app.middleware.mark")
    DATABASES["default"]["ATOMIC_REQUESTS"] = True

if "E2E_DATABASE" in os.environ:
    DATABASES["default"] = json.loads(os.environ["E2E_DATABASE"])

if "E2E_SESSION_ENGINE" in os.environ:
    SESSION_ENGINE = f"django.contrib.sessions.backends.{os.environ['E2E_SESSION_ENGINE']}"
