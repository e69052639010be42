"""Stripe's API as we call it: one pinned version, short time-outs, our own errors, plain dicts.

Everything that comes back is handed on as a dict of JSON values. No call may happen inside a
transaction: a slow answer would hold locks, and a rollback would forget what Stripe did.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import stripe
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext

from accounts.staff_alerts import staff_alert
from config.errors import Unavailable

CONNECT_TIMEOUT_SECONDS = 3
READ_TIMEOUT_SECONDS = 10
NETWORK_RETRIES = 2
PAGE_SIZE = 100

StripeDict = dict[str, Any]
logger = logging.getLogger(__name__)
_ID = re.compile(r"[A-Za-z0-9_]{1,255}")


class PurchasesClosed(Unavailable):
    """No Stripe key: nothing can be bought here. What people have keeps working."""

    code = "purchases_closed"
    title = "Purchases are closed"

    def __init__(self) -> None:
        super().__init__(
            gettext(
                "Purchases are closed right now. You were not charged, and the tokens you have"
                " keep working. Try again later."
            )
        )


class PaymentProviderUnavailable(Unavailable):
    """Stripe did not answer, or refused us. Nothing was charged by this call."""

    code = "payment_provider_unavailable"
    title = "The payment provider is not available right now"

    def __init__(self) -> None:
        super().__init__(
            gettext(
                "Our payment provider did not answer. You were not charged. Try again in a minute."
            )
        )


def purchases_open() -> bool:
    """Whether anything can be bought on this server."""
    return bool(settings.STRIPE_SECRET_KEY)


def stripe_client() -> stripe.StripeClient:
    """A client for our account. Raises PurchasesClosed without a key.

    Call it within `stripe_errors()`; `stripe_get` and `stripe_list` do so themselves.
    """
    if not purchases_open():
        raise PurchasesClosed
    return _client(
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE, settings.STRIPE_API_VERSION
    )


@contextmanager
def stripe_errors() -> Iterator[None]:
    """Turn what Stripe's library raises into PaymentProviderUnavailable.

    InvalidRequestError and IdempotencyError pass: they say something about the one request. Raises
    RuntimeError inside a transaction.
    """
    _refuse_inside_transaction()
    try:
        yield
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        # Our key is wrong, revoked, or lacks a permission: nobody can buy until staff act.
        staff_alert(
            key="stripe-key",
            subject="Stripe refuses our key: nothing can be bought",
            detail=_told(error),
        )
        raise PaymentProviderUnavailable from error
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise PaymentProviderUnavailable from error


# How the objects we read are retrieved and listed, by Stripe's own name of their type.
_SERVICES: Final[Mapping[str, str]] = {
    "charge": "charges",
    "checkout.session": "checkout.sessions",
    "customer": "customers",
    "dispute": "disputes",
    "event": "events",
    "invoice": "invoices",
    "invoice_payment": "invoice_payments",
    "payment_intent": "payment_intents",
    "price": "prices",
    "product": "products",
    "refund": "refunds",
    "subscription": "subscriptions",
    "webhook_endpoint": "webhook_endpoints",
}


def stripe_get(kind: str, object_id: str, *, expand: Sequence[str] = ()) -> StripeDict | None:
    """The object as Stripe has it now; None if there is none (or it was deleted).

    kind: Stripe's name of its type, e.g. `checkout.session`. An id that Stripe would never give
    is not asked for. Raises PurchasesClosed, PaymentProviderUnavailable.
    """
    if not _ID.fullmatch(object_id):
        return None
    try:
        with stripe_errors():
            params: Any = {"expand": list(expand)} if expand else {}
            found = as_dict(_service(kind).retrieve(object_id, params))
    except stripe.InvalidRequestError as error:
        if is_missing(error):
            return None
        logger.exception("Stripe refused to show %s %s", kind, object_id)
        raise PaymentProviderUnavailable from error
    return None if found.get("deleted") else found


def stripe_list(kind: str, **params: Any) -> Iterator[StripeDict]:
    """All objects of a list, newest first, page by page. Raises as `stripe_get`."""
    with stripe_errors():
        pages = _service(kind).list({"limit": PAGE_SIZE, **params})
        for item in pages.auto_paging_iter():
            yield as_dict(item)


def is_missing(error: stripe.InvalidRequestError) -> bool:
    """Whether the error says that something named in the request does not exist."""
    return error.code == "resource_missing" or error.http_status == 404


def as_dict(found: Any) -> StripeDict:
    """A StripeObject as plain JSON values (their library's objects are no dicts since 15.0)."""
    plain: StripeDict = found.to_dict(for_json=True)
    return plain


def library_configure() -> None:
    """The same version and time-outs for calls that dj-stripe makes through the global client.

    They happen while a webhook is answered, so there are no retries: Stripe sends it again.
    """
    stripe.api_version = settings.STRIPE_API_VERSION
    stripe.max_network_retries = 0
    stripe.enable_telemetry = False
    stripe.default_http_client = _http_client()


@lru_cache(maxsize=4)
def _client(key: str, base: str, version: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=version,
        base_addresses={"api": base} if base else None,
        max_network_retries=NETWORK_RETRIES,
        http_client=_http_client(),
    )


def _http_client() -> stripe.RequestsClient:
    return stripe.RequestsClient(timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS))


def _service(kind: str) -> Any:
    service: Any = stripe_client().v1
    for name in _SERVICES[kind].split("."):
        service = getattr(service, name)
    return service


def _refuse_inside_transaction() -> None:
    # Tests of Django's kind wrap everything in transactions of their own, marked as such.
    if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise RuntimeError("Stripe may not be called inside a transaction")


def _told(error: stripe.StripeError) -> str:
    return f"{type(error).__name__}: {error.user_message or error.code or error.http_status}"
