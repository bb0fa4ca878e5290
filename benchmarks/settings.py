"""Django settings of the servers that are measured: a new project's, plus an in-memory layer."""

SECRET_KEY = "only for benchmarks"
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "channels",
    "django_vortex",
    "benchmarks",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
ROOT_URLCONF = "benchmarks.urls"

# A capacity that no burst reaches: nothing may be dropped, or the comparison is with less work.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels.layers.InMemoryChannelLayer",
        "CONFIG": {"capacity": 1_000_000},
    }
}

# All load comes from one address, all at once.
VORTEX = {"OPENING_SECONDS": 0, "THROTTLE_PEERS": 0, "THROTTLE_PEERS_PER_ADDRESS": 0}
