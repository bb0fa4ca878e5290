"""What a test asks a server process over HTTP."""

from django.urls import path

from tests.e2e.app import views

urlpatterns = [
    path("stats", views.stats),
    path("push", views.push),
    path("push_async", views.push_async),
    path("login", views.log_in),
]
