"""Views that end or change logins, as the rest of a project would."""

import asyncio

from django.contrib.auth import alogout, get_user_model, logout, update_session_auth_hash
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.http import HttpRequest, JsonResponse

from django_vortex import disconnect

User = get_user_model()


def tell_user(request: HttpRequest) -> JsonResponse:
    """Tell who asks."""
    return JsonResponse({"user": request.user.pk})


def permit(request: HttpRequest) -> JsonResponse:
    """Let a user change tickets."""
    permissions = Permission.objects.filter(content_type__model="ticket")
    User.objects.get(pk=request.GET["user"]).user_permissions.set(permissions)
    return JsonResponse({})


def revoke(request: HttpRequest) -> JsonResponse:
    """Do what ``what`` says to ``user`` and ``session``."""
    user = User.objects.get(pk=request.GET["user"])
    match request.GET["what"]:
        case "deactivate":
            user.is_active = False
            user.save()
        case "password":
            user.set_password("another")
            user.save()
        case "permission":
            user.user_permissions.clear()
        case "delete":
            user.delete()
        case "session":
            Session.objects.get(pk=request.GET["session"]).delete()
    return JsonResponse({})


def log_out(request: HttpRequest) -> JsonResponse:
    """Log out whoever asks."""
    logout(request)
    return JsonResponse({})


async def log_out_async(request: HttpRequest) -> JsonResponse:
    """Log out whoever asks, on the loop, and take some time to say so."""
    await alogout(request)
    await asyncio.sleep(1)
    return JsonResponse({})


def change_password(request: HttpRequest) -> JsonResponse:
    """Change the password of whoever asks, and let it stay logged in."""
    user = User.objects.get(pk=request.user.pk)
    user.set_password("changed")
    user.save()
    update_session_auth_hash(request, user)
    return JsonResponse({"session": request.session.session_key})


def end_streams(request: HttpRequest) -> JsonResponse:
    """Disconnect whom the query names."""
    future = disconnect(**request.GET.dict())
    return JsonResponse({"ended": future.result(60)})
