"""Who calls the API: a Bearer JWT (allauth headless), or the browser's session with CSRF."""

from __future__ import annotations

from typing import Any

from allauth.headless.contrib.ninja.security import jwt_token_auth
from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security.base import AuthBase
from ninja.utils import check_csrf


class ApiAuth(AuthBase):
    """One door, so that a bad token is a 401 and never falls through to the session's CSRF 403."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __call__(self, request: HttpRequest) -> Any:
        if "Authorization" in request.headers:
            return jwt_token_auth(request)
        if not request.user.is_authenticated:
            return None
        if check_csrf(request):
            raise HttpError(
                403,
                "The CSRF token is missing or old. Nothing was done: reload the page, try again.",
            )
        return request.user


api_auth = ApiAuth()
