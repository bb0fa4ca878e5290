"""URLs of these tests: a vortex below a prefix, and a view that is none."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def upload(request: HttpRequest) -> HttpResponse:
    return HttpResponse("thank you")


urlpatterns = [
    path("live/", include("django_vortex.urls")),
    path("upload", upload),
]
