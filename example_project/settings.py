"""Settings of the example project. What a run may vary comes from the environment.

``EXAMPLE_DEBUG`` (1), ``EXAMPLE_SECRET_KEY``, ``EXAMPLE_DATABASE`` (a SQLite file),
``EXAMPLE_AIRPORTS_URL`` (where SQLAlchemy finds the airports), ``EXAMPLE_CHANNEL_LAYER`` (``none``,
``memory``, ``pubsub`` or ``core``), ``EXAMPLE_REDIS_URL`` for the last two, and
``EXAMPLE_VORTEX``, a JSON object laid over ``VORTEX``. While ``make demo`` runs, all processes that
use its database find its Redis by themselves.
"""

import json
import os
from pathlib import Path
from typing import Any

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("EXAMPLE_DEBUG", "1") == "1"
SECRET_KEY = os.environ.get("EXAMPLE_SECRET_KEY", "not a secret: set EXAMPLE_SECRET_KEY")
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

INSTALLED_APPS = [
    # First, so that runserver serves ASGI.
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_vortex",
    "example_project.airports",
    "example_project.board",
    "example_project.home",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "example_project.urls"
ASGI_APPLICATION = "example_project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
STATIC_URL = "static/"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "home"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("EXAMPLE_DATABASE", str(BASE_DIR / "example.sqlite3")),
        "OPTIONS": {"timeout": 30},
    }
}
# What the airports are kept in is SQLAlchemy's. Here it is the same file, it may be any database.
AIRPORTS_DATABASE_URL = os.environ.get(
    "EXAMPLE_AIRPORTS_URL", f"sqlite:///{DATABASES['default']['NAME']}?timeout=30"
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

VORTEX = {
    "NAME": "example",
    **json.loads(os.environ.get("EXAMPLE_VORTEX", "{}")),
}

DEMO_REDIS_FILE = Path(f"{DATABASES['default']['NAME']}.redis")
"""Beside the database of a running demo: the URL of its Redis."""

try:
    _demo_redis_url = DEMO_REDIS_FILE.read_text("utf-8")
except FileNotFoundError:
    _demo_redis_url = ""
_redis_hosts = [
    os.environ.get("EXAMPLE_REDIS_URL") or _demo_redis_url or "redis://127.0.0.1:6379/0"
]
_layers: dict[str, dict[str, Any]] = {
    "none": {},
    "memory": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    "pubsub": {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": _redis_hosts},
        }
    },
    "core": {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # At its default of 100 this layer drops most of a burst.
            "CONFIG": {"hosts": _redis_hosts, "capacity": 10_000},
        }
    },
}
CHANNEL_LAYERS = _layers[
    os.environ.get("EXAMPLE_CHANNEL_LAYER", "pubsub" if _demo_redis_url else "none")
]
