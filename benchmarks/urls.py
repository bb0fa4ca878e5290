"""Where the measured vortex is found."""

from django.urls import include, path

urlpatterns = [path("", include("django_vortex.urls"))]
