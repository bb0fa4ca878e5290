"""Functions that say who peers are, as a project names them, and a view that makes tokens."""

import time
from typing import Any

from django.contrib.auth import get_user_model
from django.core import signing
from django.http import HttpRequest, JsonResponse
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.tokens import AccessToken

from django_vortex import InvalidCredentials, Login, bearer_token, proxy_header

BROKEN = "a-token-that-breaks-the-server"


@bearer_token
async def find_signed(token: str) -> Any:
    """Find the user of a signed token, which carries its end."""
    if token == BROKEN:
        raise RuntimeError(f"https://accounts.example/?token={token} does not answer")
    try:
        said = signing.loads(token)
    except signing.BadSignature:
        return None
    user = await get_user_model().objects.filter(pk=said["user"]).afirst()
    if user is None:
        raise InvalidCredentials("Nobody has this token any more")
    return Login(user, said["until"])


@proxy_header("X-Client-Subject")
def find_by_certificate(subject: str) -> Any:
    """Find the user whom a proxy names."""
    name = subject.removeprefix("CN=")
    return get_user_model().objects.filter(username=name).first()


def make_token(request: HttpRequest) -> JsonResponse:
    """Make a user, who is new, with a token of each kind that ends in ``seconds``."""
    user = get_user_model().objects.create(username=request.GET["username"])
    seconds = float(request.GET.get("seconds", 3600))
    access = AccessToken.for_user(user)
    access["exp"] = int(time.time() + seconds)
    return JsonResponse(
        {
            "user": user.pk,
            "signed": signing.dumps({"user": user.pk, "until": time.time() + seconds}),
            "table": Token.objects.create(user=user).key,
            "jwt": str(access),
        }
    )


def revoke_token(request: HttpRequest) -> JsonResponse:
    """Delete the tokens of a user that are in the table."""
    Token.objects.filter(user=request.GET["user"]).delete()
    return JsonResponse({})
