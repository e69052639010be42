"""A person's own language and time zone, and a strict door for what allauth reads."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone, translation
from django.utils.decorators import sync_and_async_middleware

from accounts.models import User
from accounts.services import session_seen
from accounts.webauthn import is_credential
from accounts.zones import zone_of

GetResponse = Callable[[HttpRequest], Any]


@sync_and_async_middleware
def preferences(get_response: GetResponse) -> Callable[[HttpRequest], Any]:
    """Shows pages in the signed-in person's language and zone; notes the session as in use.

    After AuthenticationMiddleware and LocaleMiddleware. Async too, so that the event streams pay
    no thread for it beyond reading the user, which they need anyway.
    """
    if iscoroutinefunction(get_response):

        async def amiddleware(request: HttpRequest) -> HttpResponseBase:
            user = await request.auser() if _has_session(request) else None
            if not isinstance(user, User):
                return await _awaited(get_response, request)
            await sync_to_async(session_seen)(request)
            with _as_preferred(user):
                return await _awaited(get_response, request)

        return amiddleware

    def middleware(request: HttpRequest) -> HttpResponseBase:
        user = request.user if _has_session(request) else None
        if not isinstance(user, User):
            return _answered(get_response, request)
        session_seen(request)
        with _as_preferred(user):
            return _answered(get_response, request)

    return middleware


def _answered(get_response: GetResponse, request: HttpRequest) -> HttpResponseBase:
    response: HttpResponseBase = get_response(request)
    return response


async def _awaited(get_response: GetResponse, request: HttpRequest) -> HttpResponseBase:
    answer: Awaitable[HttpResponseBase] = get_response(request)
    return await answer


def _has_session(request: HttpRequest) -> bool:
    # Without the cookie nobody is signed in: no need to look, nor to say `Vary: Cookie`.
    return settings.SESSION_COOKIE_NAME in request.COOKIES


def _as_preferred(user: User) -> AbstractContextManager[None]:
    if user.language in dict(settings.LANGUAGES):
        # Not undone: LocaleMiddleware, around this one, still names it in Content-Language, and
        # activates anew for the next request.
        translation.activate(user.language)
    return timezone.override(zone_of(user.time_zone))


@sync_and_async_middleware
def strict_bodies(get_response: GetResponse) -> Callable[[HttpRequest], Any]:
    """Refuses bodies that allauth's views would crash on, with 400 instead of 500.

    allauth catches broken JSON only. Numbers too long for Python, nesting too deep for its
    parser, lone surrogates (valid JSON, invalid text) and what is no passkey would end as a 500.
    """
    if iscoroutinefunction(get_response):

        async def amiddleware(request: HttpRequest) -> HttpResponseBase:
            return _refusal(request) or await _awaited(get_response, request)

        return amiddleware

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return _refusal(request) or _answered(get_response, request)

    return middleware


def _refusal(request: HttpRequest) -> HttpResponseBase | None:
    if request.method in ("GET", "HEAD"):
        return None
    if request.path_info.startswith("/accounts/"):
        credential = request.POST.get("credential")
        if credential is None or is_credential(credential):
            return None
        raise BadRequest("The credential is not a passkey's answer.")
    if request.path_info.startswith("/_allauth/") and request.body:
        # The one call that is a form, not JSON, is the redirect to a provider.
        return None if request.path_info.endswith("/provider/redirect") else _json_refusal(request)
    return None


def _json_refusal(request: HttpRequest) -> JsonResponse | None:
    try:
        body = json.loads(request.body)
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        # UnicodeError and JSONDecodeError are ValueErrors too.
        return _not_valid("invalid_json", "The body could not be read as JSON. Nothing was done.")
    if not isinstance(body, dict):
        return _not_valid("invalid_json", "The body must be a JSON object. Nothing was done.")
    if "credential" in body and not is_credential(body["credential"]):
        return _not_valid("invalid", "The credential is not a passkey's answer. Nothing was done.")
    return None


def _not_valid(code: str, message: str) -> JsonResponse:
    # The shape of allauth's own refusals.
    return JsonResponse({"status": 400, "errors": [{"code": code, "message": message}]}, status=400)
