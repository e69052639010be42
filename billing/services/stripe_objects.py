"""What to do when Stripe says that an object changed: look at it, and bring our rows there.

By the object, never by the event: which event came first, or twice, or not at all, is no matter.
Objects of customers that are not ours (other systems on the same account) are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from django.utils import timezone

from billing.models import Order, Payment
from billing.services.fulfilment import checkout_settle
from billing.services.reversals import charge_refresh, dispute_refresh
from billing.services.subscriptions import invoice_settle, subscription_refresh
from billing.stripe.api import StripeDict, stripe_get, stripe_list
from billing.stripe.facts import id_of


class PaymentNotKnown(Exception):
    """Money of ours went back or is disputed, and the payment itself is not recorded (yet)."""


def object_refresh(*, object_type: str, object_id: str, now: datetime | None = None) -> None:
    """Ask Stripe how the object stands and act on it. Again, at once, in any order: the same end.

    object_type: Stripe's name of its type (`checkout.session`); types that we do not act on are
    ignored. Raises PaymentNotKnown, PurchasesClosed, PaymentProviderUnavailable: try again later.
    """
    refresh = _REFRESH.get(object_type)
    if refresh is not None:
        refresh(object_id, now or timezone.now())


def _session(session_id: str, now: datetime) -> None:
    checkout_settle(session_id=session_id, now=now)


def _invoice(invoice_id: str, now: datetime) -> None:
    if not Payment.objects.filter(source=invoice_id).exists():
        invoice = stripe_get("invoice", invoice_id)
        if invoice is None or not _is_ours(invoice):
            return
        parent = (invoice.get("parent") or {}).get("subscription_details") or {}
        _checkout_of_subscription(id_of(parent.get("subscription")), now)
    invoice_settle(invoice_id=invoice_id, now=now)


def _subscription(subscription_id: str, now: datetime) -> None:
    if not Order.objects.filter(subscription_id=subscription_id).exists():
        subscription = stripe_get("subscription", subscription_id)
        if subscription is None or not _is_ours(subscription):
            return
        _checkout_of_subscription(subscription_id, now)
    subscription_refresh(subscription_id=subscription_id, now=now)


def _charge(charge_id: str, now: datetime) -> None:
    if not Payment.objects.filter(charge_id=charge_id).exists():
        charge = stripe_get("charge", charge_id)
        if charge is None or not _is_ours(charge):
            return
        _checkout_of_charge(charge, now)
    charge_refresh(charge_id=charge_id)


def _dispute(dispute_id: str, now: datetime) -> None:
    dispute = stripe_get("dispute", dispute_id)
    if dispute is None:
        return
    charge = stripe_get("charge", id_of(dispute.get("charge")))
    if charge is None or not _is_ours(charge):
        return
    _checkout_of_charge(charge, now)
    dispute_refresh(dispute_id=dispute_id)


def _refund(refund_id: str, now: datetime) -> None:
    refund = stripe_get("refund", refund_id)
    if refund is not None and refund.get("charge"):
        _charge(id_of(refund["charge"]), now)


_REFRESH: Final[Mapping[str, Callable[[str, datetime], None]]] = {
    "checkout.session": _session,
    "invoice": _invoice,
    "subscription": _subscription,
    "charge": _charge,
    "dispute": _dispute,
    "refund": _refund,
}


# --- What has to be there first ----------------------------------------------------------------


def _is_ours(found: StripeDict) -> bool:
    customer_id = id_of(found.get("customer"))
    return bool(customer_id) and Order.objects.filter(stripe_customer_id=customer_id).exists()


def _checkout_of_subscription(subscription_id: str, now: datetime) -> None:
    """The checkout is compared with its order before anything of its subscription counts."""
    if subscription_id and not Order.objects.filter(subscription_id=subscription_id).exists():
        for session in stripe_list("checkout.session", subscription=subscription_id):
            checkout_settle(session_id=session["id"], now=now)


def _checkout_of_charge(charge: StripeDict, now: datetime) -> None:
    """See that what the charge paid for is recorded: it may be heard of before its checkout."""
    intent_id = id_of(charge.get("payment_intent"))
    if not intent_id or _is_recorded(charge["id"], intent_id):
        return
    for session in stripe_list("checkout.session", payment_intent=intent_id):
        checkout_settle(session_id=session["id"], now=now)
    gone_back = charge.get("amount_refunded") or charge.get("disputed")
    if gone_back and not _is_recorded(charge["id"], intent_id):
        raise PaymentNotKnown(f"{charge['id']} went back, and its payment is not recorded")


def _is_recorded(charge_id: str, intent_id: str) -> bool:
    return (
        Payment.objects.filter(charge_id=charge_id).exists()
        or Payment.objects.filter(payment_intent_id=intent_id).exists()
    )
