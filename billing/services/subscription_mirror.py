"""Subscriptions as Stripe has them, kept in dj-stripe's tables for whoever must not call Stripe.

dj-stripe's own `sync_from_stripe_data` reads related objects from Stripe inside a transaction, so
the rows are written here directly: ids, the customer, and the raw object in `stripe_data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.utils import timezone
from djstripe.models import Customer, Subscription

from accounts.models import User
from billing.models import Order
from billing.services.customers import SUBSCRIBER_KEY
from billing.stripe.api import stripe_get
from billing.stripe.facts import SubscriptionFacts, id_of, instant, subscription_facts

_READS_AT_MOST = 3


def subscription_fetch(*, subscription_id: str) -> SubscriptionFacts | None:
    """Read a subscription afresh and keep it; None if Stripe has none of that id.

    What somebody else kept while Stripe answered may be newer than the answer: then it is read
    again. Raises PurchasesClosed, PaymentProviderUnavailable.
    """
    facts = None
    for _ in range(_READS_AT_MOST):
        kept = Subscription.objects.filter(id=subscription_id).first()
        data = stripe_get("subscription", subscription_id)
        if data is None:
            return None
        facts = subscription_facts(data)
        if subscription_keep(data, instead_of=kept):
            break
    return facts


def subscription_keep(data: Mapping[str, Any], *, instead_of: Any = None) -> bool:
    """Write a subscription that Stripe just answered with. False if somebody else did meanwhile.

    instead_of: the row as it was before Stripe was asked, if it matters who asked later.
    """
    fields = {
        "stripe_data": data,
        "metadata": data.get("metadata") or {},
        "livemode": data.get("livemode"),
        "created": instant(data.get("created")),
        "customer_id": _customer_ensure(id_of(data["customer"])),
    }
    if instead_of is None:
        Subscription.objects.update_or_create(id=data["id"], defaults=fields)
        return True
    unchanged = Subscription.objects.filter(
        id=data["id"], djstripe_updated=instead_of.djstripe_updated
    )
    return bool(unchanged.update(djstripe_updated=timezone.now(), **fields))


def subscriptions_of(*, user_id: int) -> list[SubscriptionFacts]:
    """What the mirror knows of a person's subscriptions, newest first. One query, no Stripe."""
    ordered = Order.objects.filter(user_id=user_id).exclude(subscription_id="")
    rows = Subscription.objects.filter(
        Q(customer__subscriber_id=user_id) | Q(id__in=ordered.values("subscription_id"))
    ).values_list("stripe_data", flat=True)
    facts = [subscription_facts(data) for data in rows]
    return sorted(facts, key=lambda each: (each.created_at, each.id), reverse=True)


def user_of_customer(customer_id: str) -> int | None:
    """Whose customer at Stripe it is, None if nobody's."""
    known = Customer.objects.filter(id=customer_id, subscriber__isnull=False)
    user_id: int | None = known.values_list("subscriber_id", flat=True).first()
    if user_id is None:
        orders = Order.objects.filter(stripe_customer_id=customer_id)
        user_id = orders.values_list("user_id", flat=True).first()
    return user_id


def _customer_ensure(customer_id: str) -> str:
    """The customer's row must be there before its subscription's."""
    if Customer.objects.filter(id=customer_id).exists():
        return customer_id
    data = stripe_get("customer", customer_id) or {"id": customer_id, "deleted": True}
    named = str((data.get("metadata") or {}).get(SUBSCRIBER_KEY) or "")
    subscriber = User.objects.filter(pk=int(named)).first() if named.isdecimal() else None
    Customer.objects.get_or_create(
        id=customer_id,
        defaults={
            "stripe_data": data,
            "metadata": data.get("metadata") or {},
            "livemode": data.get("livemode"),
            "created": instant(data.get("created")),
            "email": data.get("email") or "",
            "subscriber": subscriber,
        },
    )
    return customer_id
