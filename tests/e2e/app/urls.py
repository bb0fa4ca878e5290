"""What a test asks a server process over HTTP."""

from django.urls import path

from tests.e2e.app import views
from tests.e2e.app.flood import flood
from tests.e2e.app.ticks import tick

urlpatterns = [
    path("stats", views.stats),
    path("flood", flood),
    path("tick", tick),
    path("push", views.push),
    path("push_async", views.push_async),
    path("login", views.log_in),
]
