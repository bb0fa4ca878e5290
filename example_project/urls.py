"""The page that explains itself, and the vortex."""

from django.urls import include, path

from example_project.airports.views import HomeView

urlpatterns = [
    path("", HomeView.as_view(), name="home"),
    path("", include("django_vortex.urls")),
]
