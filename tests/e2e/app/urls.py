"""What a test asks a server process over HTTP."""

from django.urls import path

from tests.e2e.app import conformance, revoking, tokens, views
from tests.e2e.app.cancelling import works
from tests.e2e.app.counted import push_counted, tell_counted
from tests.e2e.app.flood import flood
from tests.e2e.app.ticks import tick

urlpatterns = [
    path("stats", views.stats),
    path("flood", flood),
    path("tick", tick),
    path("works", works),
    path("push_counted", push_counted),
    path("counted", tell_counted),
    path("conformance/push", conformance.push_numbers),
    path("conformance/ran", conformance.tell_ran),
    path("conformance/change", conformance.change_rows),
    path("conformance/token", conformance.make_token),
    path("conformance/rows", conformance.tell_rows),
    path("push", views.push),
    path("push_async", views.push_async),
    path("login", views.log_in),
    path("whoami", revoking.tell_user),
    path("logout", revoking.log_out),
    path("logout_async", revoking.log_out_async),
    path("permit", revoking.permit),
    path("revoke", revoking.revoke),
    path("change_password", revoking.change_password),
    path("token", tokens.make_token),
    path("revoke_token", tokens.revoke_token),
    path("disconnect", revoking.end_streams),
]
