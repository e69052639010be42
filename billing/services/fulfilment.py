"""Giving people what they paid for: exactly once, whoever notices first, and only if it fits.

The webhook's task, the page people come back to, the API and the hourly reconcile all call
`checkout_settle`. It believes nothing but Stripe's own answer about the session and our own row.
"""

from __future__ import annotations

import logging
from datetime import datetime

import stripe
from django.db import transaction
from django.utils import timezone

from accounts.staff_alerts import staff_alert
from billing.doorbell import ring_on_commit
from billing.models import Grant, Offer, Order, Payment
from billing.services.grants import grant_create
from billing.services.order_states import order_move
from billing.services.reversals import payment_refresh
from billing.services.subscriptions import invoice_settle, subscription_refresh
from billing.stripe.api import (
    PaymentProviderUnavailable,
    StripeDict,
    stripe_client,
    stripe_errors,
    stripe_get,
    stripe_list,
)
from billing.stripe.checkout import (
    EXPAND,
    Outcome,
    charge_of,
    is_of_this_app,
    mismatches,
    order_reference,
    outcome_of,
)
from billing.stripe.facts import id_of

logger = logging.getLogger(__name__)
_FINAL = (Order.State.PAID, Order.State.REJECTED)


def checkout_settle(*, session_id: str, now: datetime | None = None) -> Order | None:
    """Ask Stripe how the checkout stands and bring our order there; grant what was paid for.

    Again, at once, or in any order: the same end, one grant. A paid checkout that does not fit
    the order in every fact grants nothing, makes the order `rejected` and alerts staff. Returns
    the order, or None where the session is unknown or of another system on the same account.
    Raises PurchasesClosed, PaymentProviderUnavailable (nothing was changed).
    """
    now = now or timezone.now()
    session = stripe_get("checkout.session", session_id, expand=EXPAND)
    order = _order_of(session, now) if session is not None else None
    if session is None or order is None or order.state in _FINAL:
        return order
    outcome = outcome_of(_with_intent(session))
    if outcome is Outcome.EXPIRED:
        order_move(order=order, to=Order.State.EXPIRED, now=now)
    elif outcome is not Outcome.OPEN:
        _complete(order, session, outcome, now)
    return order


def _with_intent(session: StripeDict) -> StripeDict:
    """A session for a subscription does not name the intent that is to pay its first invoice;
    while it is unpaid only that one tells on its way from failed."""
    waits = session.get("status") == "complete" and session.get("payment_status") == "unpaid"
    invoice_id = id_of(session.get("invoice"))
    if not waits or session.get("mode") != "subscription" or not invoice_id:
        return session
    for payment in stripe_list("invoice_payment", invoice=invoice_id):
        intent_id = id_of((payment.get("payment") or {}).get("payment_intent"))
        return {**session, "payment_intent": stripe_get("payment_intent", intent_id)}
    return session


def _complete(order: Order, session: StripeDict, outcome: Outcome, now: datetime) -> None:
    wrong = mismatches(order, session)
    if wrong:
        _reject(order, session, wrong, now)
    elif outcome is Outcome.PROCESSING:
        order_move(order=order, to=Order.State.PROCESSING, now=now, **_subscription_fact(session))
    elif outcome is Outcome.FAILED:
        _fail(order, session, now)
    elif order.kind == Offer.Kind.PACKAGE:
        payment = _grant_package(order, session, now)
        if payment is not None:
            _reversals_look(payment, now)
    else:
        _begin_premium(order, session, now)


# --- Whose session it is -----------------------------------------------------------------------


def _order_of(session: StripeDict, now: datetime) -> Order | None:
    """Our order that the session belongs to; None where it is another system's."""
    order = Order.objects.filter(checkout_session_id=session["id"]).first()
    if order is not None:
        return order
    reference = order_reference(session)
    order = Order.objects.filter(pk=reference).first() if reference else None
    if order is not None and _adopt(order, session, now):
        return order
    if (order is not None or is_of_this_app(session)) and session.get("status") == "complete":
        staff_alert(
            key=f"session-unknown:{session['id']}",
            subject="A checkout was completed that no order waits for",
            detail=f"Session {session['id']}, reference {reference}. Nothing was granted. "
            "Refund it at Stripe, or grant the tokens by hand.",
        )
    return None


def _adopt(order: Order, session: StripeDict, now: datetime) -> bool:
    """The order was interrupted after Stripe had made its session and before we wrote that down."""
    adopted = Order.objects.filter(pk=order.pk, checkout_session_id=None).update(
        checkout_session_id=session["id"], checkout_url=session.get("url") or "", updated_at=now
    )
    if adopted:
        order_move(order=order, to=Order.State.OPEN, now=now)
    order.refresh_from_db()
    return bool(order.checkout_session_id == session["id"])


# --- How it ends -------------------------------------------------------------------------------


def _grant_package(order: Order, session: StripeDict, now: datetime) -> Payment | None:
    """The payment and its tokens; None where somebody else was first."""
    charge, payment = charge_of(session), None
    with transaction.atomic():
        locked = Order.objects.select_for_update().get(pk=order.pk)
        if order_move(order=locked, to=Order.State.PAID, now=now, paid_at=now):
            payment = Payment.objects.create(
                user_id=locked.user_id,
                order=locked,
                offer_id=locked.offer_id,
                source=session["id"],
                payment_intent_id=id_of(session.get("payment_intent")),
                charge_id=id_of(charge),
                amount_cents=locked.amount_cents,
                currency=locked.currency,
                tokens=locked.tokens,
                receipt_url=charge.get("receipt_url") or "",
                paid_at=now,
            )
            grant_create(
                user_id=locked.user_id,
                kind=Grant.Kind.PURCHASED,
                amount=locked.tokens,
                source=f"purchase:{session['id']}",
                effective_at=now,
            )
            ring_on_commit("billing.tasks.payment_receipt_mail", payment.pk)
    order.refresh_from_db()
    return payment


def _begin_premium(order: Order, session: StripeDict, now: datetime) -> None:
    """The invoice makes the payment and the period, once; the order is paid when that is done."""
    # First of all: by it the invoice's and the subscription's own events find their order.
    Order.objects.filter(pk=order.pk).update(**_subscription_fact(session), updated_at=now)
    subscription_refresh(subscription_id=id_of(session.get("subscription")), now=now)
    invoice_settle(invoice_id=id_of(session.get("invoice")), now=now)
    order_move(order=order, to=Order.State.PAID, now=now, paid_at=now)


def _fail(order: Order, session: StripeDict, now: datetime) -> None:
    failed = order_move(
        order=order,
        to=Order.State.FAILED,
        now=now,
        problem="The payment did not go through.",
        failure_mail_due_at=now,
        **_subscription_fact(session),
    )
    if failed:
        ring_on_commit("billing.tasks.order_failed_mail", str(order.pk))
    if order.kind == Offer.Kind.SUBSCRIPTION:
        _subscription_end(id_of(session.get("subscription")))


def _subscription_end(subscription_id: str) -> None:
    """Its first payment failed: it must neither be charged later nor stand in the way of a new
    one."""
    try:
        with stripe_errors():
            stripe_client().v1.subscriptions.cancel(subscription_id)
    except stripe.InvalidRequestError as error:
        # It has ended already, which is what we want.
        logger.info("Subscription %s was not ended: %s", subscription_id, error.code)


def _reject(order: Order, session: StripeDict, wrong: list[str], now: datetime) -> None:
    problem = "\n".join(wrong)
    # By its subscription the invoices of a rejected order are told, and refused too.
    facts = {"problem": problem, **_subscription_fact(session)}
    with transaction.atomic():
        if order_move(order=order, to=Order.State.REJECTED, now=now, **facts):
            staff_alert(
                key=f"order-rejected:{order.pk}",
                subject="A checkout does not match its order; nothing was granted",
                detail=f"Order {order.pk}, session {session['id']}\n{problem}\n"
                "Refund it at Stripe, or grant the tokens by hand.",
            )


def _reversals_look(payment: Payment, now: datetime) -> None:
    """The money may have gone back before we saw that it had come. Asked after the commit: who is
    told of a refund from here on finds the payment. If Stripe can not be asked, the tokens are
    there all the same, and the hourly reconcile asks again."""
    try:
        payment_refresh(payment_id=payment.pk, now=now)
    except PaymentProviderUnavailable:
        logger.warning("Whether payment %s went back could not be asked", payment.pk)


def _subscription_fact(session: StripeDict) -> dict[str, str]:
    subscription_id = id_of(session.get("subscription"))
    return {"subscription_id": subscription_id} if subscription_id else {}
