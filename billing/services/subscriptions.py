"""Premium: a subscription at Stripe, its paid months here, and what people do with it.

Stripe's objects are read afresh, then written down by their own ids: an invoice makes one payment
and one period, whoever comes first and however often. What entitles to the daily tokens are those
periods alone (see `entitlement`).
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

import stripe
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.staff_alerts import staff_alert
from billing.doorbell import ring_on_commit
from billing.errors import NothingBought, NotSubscribed
from billing.models import Order, Payment, PremiumPeriod
from billing.plan import Plan, plan_of
from billing.services.clawbacks import user_lock
from billing.services.customers import customer_id_of
from billing.services.invoices import Quote, is_for_us, mismatches, order_of_subscription, quote_of
from billing.services.premium_periods import grace_refresh
from billing.services.reversals import months_beside_reverse, payment_refresh
from billing.services.subscription_mirror import (
    subscription_fetch,
    subscription_keep,
    subscriptions_of,
    user_of_customer,
)
from billing.stripe.api import (
    PaymentProviderUnavailable,
    as_dict,
    stripe_client,
    stripe_errors,
    stripe_get,
    stripe_list,
)
from billing.stripe.facts import InvoiceFacts, SubscriptionFacts, invoice_facts

logger = logging.getLogger(__name__)


# --- What Stripe says --------------------------------------------------------------------------


def invoice_settle(*, invoice_id: str, now: datetime | None = None) -> Payment | None:
    """Ask Stripe how an invoice stands; a paid month becomes a payment and a period, once.

    A paid invoice that does not fit what was ordered grants nothing and alerts staff. One that is
    not paid only brings its subscription up to date (grace). None where nothing is paid, or it is
    not for premium. Raises PurchasesClosed, PaymentProviderUnavailable (nothing was changed).
    """
    now = now or timezone.now()
    data = stripe_get("invoice", invoice_id, expand=["payments"])
    if data is None:
        return None
    invoice = invoice_facts(data)
    if not invoice.subscription_id:
        return None
    if invoice.status != "paid":
        subscription_refresh(subscription_id=invoice.subscription_id, now=now)
        return None
    payment = Payment.objects.filter(source=invoice.id).first() or _month_settle(invoice, now)
    facts = subscription_fetch(subscription_id=invoice.subscription_id)
    if facts is not None:
        _second_subscription_check(facts)
    if payment is None:
        return None
    # The money may have gone back before we saw that it had come. Asked after the commit: who is
    # told of a refund from here on finds the payment.
    payment = payment_refresh(payment_id=payment.pk, now=now)
    months_beside_reverse(payment_id=payment.pk, now=now)
    return payment


def subscription_refresh(
    *, subscription_id: str, now: datetime | None = None
) -> SubscriptionFacts | None:
    """Read a subscription afresh: the mirror, the grace after a failed payment, and lost invoices.

    Returns what Stripe says, None if there is none of that id. Alerts staff when a person has two
    that run. Raises PurchasesClosed, PaymentProviderUnavailable.
    """
    now = now or timezone.now()
    facts = subscription_fetch(subscription_id=subscription_id)
    if facts is None:
        return None
    user_id = _user_of(facts)
    if user_id is None:
        return facts
    if facts.status in {"past_due", "unpaid", "canceled"}:
        # Grace begins where the last paid period ends: that one must be known before.
        _paid_invoices_settle(facts, now)
        with transaction.atomic():
            user_lock(user_id=user_id)
            grace_refresh(facts=facts, now=now)
    _second_subscription_check(facts)
    return facts


def _paid_invoices_settle(facts: SubscriptionFacts, now: datetime) -> None:
    paid = [row["id"] for row in stripe_list("invoice", subscription=facts.id, status="paid")]
    known = set(Payment.objects.filter(source__in=paid).values_list("source", flat=True))
    # The oldest first, as they were paid.
    for invoice_id in reversed(paid):
        if invoice_id not in known:
            invoice_settle(invoice_id=invoice_id, now=now)


def _month_settle(invoice: InvoiceFacts, now: datetime) -> Payment | None:
    quote = quote_of(invoice)
    if quote is None:
        if is_for_us(invoice):
            _alert_rejected(invoice, ["It belongs to nobody that is known here."])
        return None
    wrong = mismatches(quote, invoice)
    if wrong:
        _alert_rejected(invoice, wrong)
        return None
    return _month_record(invoice, quote, now)


def _month_record(invoice: InvoiceFacts, quote: Quote, now: datetime) -> Payment:
    """The payment and its period, both or neither; who comes second finds them."""
    line = invoice.lines[0]
    with transaction.atomic():
        payment, created = Payment.objects.get_or_create(
            source=invoice.id,
            defaults={
                "user_id": quote.user_id,
                "order": quote.order,
                "offer_id": quote.offer_id,
                "payment_intent_id": invoice.payment_intent_id,
                "charge_id": invoice.charge_id,
                "amount_cents": quote.amount_cents,
                "currency": quote.currency,
                "tokens": quote.tokens,
                "paid_at": invoice.paid_at or now,
            },
        )
        if not created:
            return payment
        PremiumPeriod.objects.create(
            user_id=quote.user_id,
            payment=payment,
            kind=PremiumPeriod.Kind.PAID,
            subscription_id=invoice.subscription_id,
            source=f"invoice:{invoice.id}",
            starts_at=line.starts_at,
            ends_at=line.ends_at,
            tokens_per_day=quote.tokens,
        )
        if quote.order is not None:
            Order.objects.filter(pk=quote.order.pk, subscription_id="").update(
                subscription_id=invoice.subscription_id, updated_at=now
            )
        ring_on_commit("billing.tasks.payment_receipt_mail", payment.pk)
    return payment


def _alert_rejected(invoice: InvoiceFacts, wrong: list[str]) -> None:
    staff_alert(
        key=f"invoice-rejected:{invoice.id}",
        subject="A paid invoice does not match what was ordered; nothing was granted",
        detail=f"Invoice {invoice.id} of subscription {invoice.subscription_id}\n"
        + "\n".join(wrong)
        + "\nRefund it at Stripe, or grant the tokens by hand.",
    )


def _user_of(facts: SubscriptionFacts) -> int | None:
    order = order_of_subscription(facts.id, facts.metadata)
    return order.user_id if order is not None else user_of_customer(facts.customer_id)


def _second_subscription_check(facts: SubscriptionFacts) -> None:
    """Days are entitled once, however many subscriptions pay for them: somebody pays too much."""
    user_id = _user_of(facts)
    if not facts.running or user_id is None:
        return
    running = sorted(each.id for each in subscriptions_of(user_id=user_id) if each.running)
    if len(running) > 1:
        staff_alert(
            key=f"second-subscription:{user_id}",
            subject="Somebody pays for premium twice",
            detail=f"User {user_id}: {', '.join(running)}. End and refund one of them at Stripe.",
        )


# --- What people do ----------------------------------------------------------------------------


def subscription_cancel(*, user: User) -> Plan:
    """Let the subscription end with its present period. Cancelled already: nothing changes.

    Returns the plan as it is then. Raises NotSubscribed, PurchasesClosed,
    PaymentProviderUnavailable.
    """
    facts = _present(user)
    if facts.cancels_at is None:
        _update(facts, {"cancel_at_period_end": True})
    return plan_of(user, timezone.now())


def subscription_resume(*, user: User) -> Plan:
    """Have a cancelled subscription renewed after all, while it still runs. Runs on: no effect.

    Returns and raises as `subscription_cancel`.
    """
    facts = _present(user)
    if facts.cancels_at is not None:
        by_flag = facts.cancel_at_period_end
        _update(facts, {"cancel_at_period_end": False} if by_flag else {"cancel_at": ""})
    return plan_of(user, timezone.now())


def portal_url(*, user: User, return_url: str) -> str:
    """A page of Stripe's, for once, where the person finds their invoices and cards.

    return_url: where its way back leads. Raises NothingBought where there is no customer, else as
    `subscription_cancel`.
    """
    customer_id = customer_id_of(user_id=user.pk)
    if not customer_id:
        raise NothingBought
    try:
        with stripe_errors():
            session = stripe_client().v1.billing_portal.sessions.create(
                {"customer": customer_id, "return_url": return_url}
            )
    except stripe.InvalidRequestError as error:
        # A new account has to save the portal's settings once before it opens.
        logger.exception("Stripe refused to open the portal")
        staff_alert(
            key="portal-refused",
            subject="Stripe refuses to open the customer portal",
            detail=f"{error.user_message or error.code}. See Settings, Billing, Customer portal.",
        )
        raise PaymentProviderUnavailable from error
    return session.url


def _present(user: User) -> SubscriptionFacts:
    """The person's subscription as Stripe has it at this moment, if it runs."""
    plan = plan_of(user, timezone.now())
    known = plan.subscription_id if plan.running else _ordered(user)
    facts = subscription_fetch(subscription_id=known) if known else None
    if facts is None or not (facts.running or facts.status == "unpaid"):
        raise NotSubscribed
    return facts


def _ordered(user: User) -> str:
    """What was ordered last, where the mirror has no word of it yet."""
    orders = Order.objects.filter(user=user).exclude(subscription_id="")
    return orders.values_list("subscription_id", flat=True).first() or ""


def _update(facts: SubscriptionFacts, change: Any) -> None:
    """No idempotency key: doing it again is harmless, and a key would replay an old answer to
    whoever cancels, resumes and cancels again."""
    try:
        with stripe_errors():
            updated = stripe_client().v1.subscriptions.update(facts.id, change)
    except stripe.InvalidRequestError as error:
        # It ended between the look and the change.
        logger.info("Subscription %s was not changed: %s", facts.id, error.code)
        subscription_fetch(subscription_id=facts.id)
        raise NotSubscribed from error
    subscription_keep(as_dict(updated))
