"""The example project's URLs and, below ``e2e/``, what tests need beside them."""

from django.urls import include, path

urlpatterns = [
    path("e2e/", include("tests.e2e.app.urls")),
    path("", include("example_project.urls")),
]
