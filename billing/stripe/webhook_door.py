"""The way in for Stripe's webhooks: what is no event of this endpoint never gets to dj-stripe.

dj-stripe's view stores whatever is posted before it looks at the signature, takes a signing secret
from a header while DEBUG is on, and answers 500 to bodies it can not read. So the size, the
signature, and the shape of the event are checked here first; then its view is the door.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import re
from typing import Any, Final
from uuid import UUID

import stripe
from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from djstripe.models import WebhookEndpoint
from djstripe.views import ProcessWebhookView

from billing.stripe.webhooks import receipt_record
from config.errors import DomainError, InvalidInput, NotFound, TooLarge, problem_response

logger = logging.getLogger(__name__)
_djstripe_view = ProcessWebhookView.as_view()
_EVENT_ID: Final = re.compile(r"evt_[A-Za-z0-9_]{1,200}")
_OBJECT_ID: Final = re.compile(r"[A-Za-z0-9_]{1,255}")
_NAME: Final = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
# Trouble that passes: Stripe sends the event again for three days.
_LATER: Final = (
    stripe.APIConnectionError,
    stripe.RateLimitError,
    stripe.APIError,
    stripe.AuthenticationError,
    stripe.PermissionError,
    OperationalError,
)


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, uuid: UUID) -> HttpResponseBase:
    """`POST /stripe/webhook/<uuid>/`. 200 is "stored"; anything else makes Stripe send it again.

    400 for what is not signed for this endpoint or is no event of it, 404 for an unknown endpoint,
    413 above STRIPE_WEBHOOK_MAX_BYTES; in all these nothing is stored. 503 while Stripe or the
    database can not be reached.
    """
    try:
        event = _checked(request, uuid)
    except DomainError as refusal:
        return problem_response(
            refusal.status, code=refusal.code, detail=refusal.message, title=refusal.title
        )
    return _mirrored(request, uuid, event)


def _mirrored(request: HttpRequest, uuid: UUID, event: dict[str, Any]) -> HttpResponseBase:
    """dj-stripe's own answer. It fetches what the event is about from Stripe meanwhile."""
    try:
        answer: HttpResponseBase = _djstripe_view(request, uuid=uuid)
    except _LATER as error:
        logger.warning("A webhook must come again: %s", type(error).__name__)
        receipt_record(event)
        answer = problem_response(
            503, code="unavailable", detail="The event could not be stored yet. Send it again."
        )
        answer.headers["Retry-After"] = "60"
    except Exception:
        # Signed by Stripe, and still nothing that dj-stripe can mirror: it stays among its
        # triggers, with the traceback. The money does not wait for the mirror.
        logger.exception("dj-stripe could not mirror an event")
        receipt_record(event)
        answer = problem_response(
            400, code="unreadable_event", detail="The event could not be mirrored."
        )
    return answer


# --- What is checked ---------------------------------------------------------------------------


def _checked(request: HttpRequest, uuid: UUID) -> dict[str, Any]:
    body = _body(request)
    endpoint = WebhookEndpoint.objects.filter(
        djstripe_uuid=uuid, livemode=settings.STRIPE_LIVE_MODE
    ).first()
    if endpoint is None:
        raise NotFound("There is no such webhook endpoint.")
    _check_signature(request, body, endpoint)
    event = _event(body, endpoint)
    _strip(request)
    return event


def _body(request: HttpRequest) -> str:
    limit = settings.STRIPE_WEBHOOK_MAX_BYTES
    announced = request.headers.get("Content-Length", "")
    if (announced.isdigit() and int(announced) > limit) or len(request.body) > limit:
        raise TooLarge(f"A webhook may have {limit} bytes at most. Nothing was stored.")
    try:
        text = request.body.decode()
    except UnicodeDecodeError:
        raise _refused("The body is not UTF-8.") from None
    # dj-stripe would decode it with whatever charset the sender names.
    request.encoding = "utf-8"
    return text


def _check_signature(request: HttpRequest, body: str, endpoint: WebhookEndpoint) -> None:
    """https://docs.stripe.com/webhooks/signature"""
    header = request.headers.get("Stripe-Signature", "")
    if not endpoint.secret:
        logger.error("The webhook endpoint %s has no secret: run stripe_sync", endpoint.url)
    try:
        genuine = bool(endpoint.secret) and stripe.WebhookSignature.verify_header(
            body, header, endpoint.secret, endpoint.djstripe_tolerance
        )
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        # TypeError: text that is not ASCII can not be compared.
        genuine = False
    if not genuine:
        raise _refused("The signature is missing, wrong or too old.")


def _event(body: str, endpoint: WebhookEndpoint) -> dict[str, Any]:
    try:
        event = json.loads(body, parse_constant=_refuse_constant)
        # A lone half of a surrogate pair is valid JSON and no text.
        json.dumps(event, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise _refused("The body is not JSON.") from None
    # PostgreSQL stores no NUL.
    if "\\u0000" in body or not _is_event(event):
        raise _refused("The body is not an event.")
    if event["livemode"] is not endpoint.livemode:
        raise _refused("The event is of the other mode (live or test) than this endpoint.")
    checked: dict[str, Any] = event
    return checked


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _is_event(event: object) -> bool:
    """The members that dj-stripe and our receiver rely on are there and of their kind."""
    if not isinstance(event, dict) or event.get("object") != "event":
        return False
    data = event.get("data")
    told = data.get("object") if isinstance(data, dict) else None
    if not isinstance(told, dict):
        return False
    return (
        _matches(_EVENT_ID, event.get("id"))
        and _matches(_NAME, event.get("type"))
        and _matches(_NAME, told.get("object"))
        and _matches(_OBJECT_ID, told.get("id"))
        and isinstance(event.get("livemode"), bool)
        and type(event.get("created")) is int
        and isinstance(event.get("api_version"), str)
    )


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and len(value) <= 250 and pattern.fullmatch(value) is not None


def _strip(request: HttpRequest) -> None:
    """Take away what dj-stripe would believe, or stumble over."""
    request.META.pop("HTTP_X_DJSTRIPE_WEBHOOK_SECRET", None)
    request.__dict__.pop("headers", None)
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")[0].strip()
    try:
        ipaddress.ip_address(forwarded)
    except ValueError:
        # It would go into a column of addresses as it is.
        request.META.pop("HTTP_X_FORWARDED_FOR", None)


def _refused(detail: str) -> InvalidInput:
    refusal = InvalidInput(f"{detail} Nothing was stored.", code="invalid_webhook")
    refusal.status = 400
    return refusal
