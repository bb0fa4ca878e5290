"""Settings of the server processes that tests start: the example project's, and one more app.

Everything that a test varies comes from the environment; `tests.support.servers` writes it.
"""

import json
import os

from example_project.settings import *  # noqa: F403
from example_project.settings import INSTALLED_APPS as EXAMPLE_APPS

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = [*EXAMPLE_APPS, "tests.e2e.app"]
ROOT_URLCONF = "tests.e2e.urls"
# Tests log in by the hundred; how passwords are hashed is not what they are about.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["E2E_DATABASE"],
        "OPTIONS": {"timeout": 30},
    }
}

VORTEX = {
    **globals().get("VORTEX", {}),
    # All test peers come from one address.
    "THROTTLE_PEERS_PER_ADDRESS": 0,
    "THROTTLE_PEERS": 0,
    **json.loads(os.environ.get("E2E_VORTEX") or "{}"),
}

_redis = {"hosts": [os.environ.get("E2E_REDIS_URL", "")]}
CHANNEL_LAYERS = {
    "none": {},
    "memory": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    "pubsub": {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": _redis,
        }
    },
    "core": {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {**_redis, "capacity": 10_000},
        }
    },
}[os.environ.get("E2E_CHANNEL_LAYER") or "none"]
