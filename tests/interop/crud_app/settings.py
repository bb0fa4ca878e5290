"""Settings of a server with tickets in the databases that the environment names."""

import os

from tests.e2e.settings import *  # noqa: F403
from tests.e2e.settings import DATABASES as OTHERS
from tests.e2e.settings import INSTALLED_APPS as APPS

INSTALLED_APPS = [*APPS, "tests.interop.crud_app"]
DATABASES = {
    **OTHERS,
    "crud": {
        "ENGINE": os.environ["CRUD_ENGINE"],
        "NAME": os.environ["CRUD_NAME"],
        "HOST": os.environ["CRUD_HOST"],
        "USER": "vortex",
    },
}
