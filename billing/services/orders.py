"""Ordering: our row first, then Stripe's customer and checkout session, then what became of it.

Killed after any step, an order is picked up by asking again (the same key, or the same plan), or
by the reconcile: every call to Stripe has a key made of our row, so that it happens once.
"""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Final

import stripe
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from accounts.staff_alerts import staff_alert
from billing.models import Offer, Order
from billing.services.checkout_sessions import Urls, customer_record, session_create
from billing.services.customers import GIVEN_UP, customer_create, customer_id_of
from billing.services.fulfilment import checkout_settle
from billing.services.order_states import order_move
from billing.stripe.api import (
    PaymentProviderUnavailable,
    PurchasesClosed,
    is_missing,
    purchases_open,
    stripe_client,
    stripe_errors,
    stripe_list,
)
from config.errors import Conflict, InvalidInput

logger = logging.getLogger(__name__)
# Stripe forgets an idempotency key after 24 hours. An order this old is not taken up again.
TAKEN_UP_WITHIN = timedelta(hours=20)
_KEY = re.compile(r"[\x21-\x7e]{1,120}")
_SOLD: Final = (Offer.Kind.PACKAGE, Offer.Kind.SUBSCRIPTION)
# A subscription in any other state still charges, or may again.
_SUBSCRIPTION_OVER = ("canceled", "incomplete_expired")


def order_start(
    *,
    user: User,
    offer_slug: str,
    idempotency_key: str,
    return_url: str,
    cancel_url: str,
    kind: Offer.Kind | None = None,
) -> Order:
    """Order an offer. Returns the order with the `checkout_url` to send the person to.

    idempotency_key: of the person's own wish (1 to 120 visible ASCII characters); again with the
    same offer: the same order. A subscription checkout that is not finished yet is given again,
    whatever the key. return_url: contains `{CHECKOUT_SESSION_ID}`, which Stripe fills in. kind:
    what the offer must be.

    Raises InvalidInput (`unknown_package`, `unknown_plan`, `invalid_idempotency_key`), Conflict
    (`idempotency_conflict`, `already_subscribed`), PurchasesClosed, PaymentProviderUnavailable.
    Whatever it raises, nothing is charged.
    """
    if not _KEY.fullmatch(idempotency_key):
        raise InvalidInput(
            gettext("The idempotency key must be 1 to 120 visible ASCII characters."),
            code="invalid_idempotency_key",
        )
    offer = _offer(offer_slug, kind)
    order = _known(user, offer, idempotency_key)
    if order is None and not purchases_open():
        raise PurchasesClosed
    if order is None and offer.kind == Offer.Kind.SUBSCRIPTION:
        order = _under_way(user, offer)
    if order is None:
        order = _create(user, offer, idempotency_key)
    if order.state == Order.State.CREATED:
        _open(order, user, Urls(return_url, cancel_url))
    return order


# --- Our row -----------------------------------------------------------------------------------


def _offer(slug: str, kind: Offer.Kind | None) -> Offer:
    wanted = Offer.objects.filter(kind=kind) if kind else Offer.objects.filter(kind__in=_SOLD)
    offer = wanted.filter(slug=slug, enabled=True).first() if "\0" not in slug else None
    if offer is not None:
        return offer
    if kind == Offer.Kind.SUBSCRIPTION:
        raise InvalidInput(
            gettext("There is no such plan. You were not charged. Choose one of the plans."),
            code="unknown_plan",
        )
    raise InvalidInput(
        gettext("There is no such package. You were not charged. Choose one of the packages."),
        code="unknown_package",
    )


def _known(user: User, offer: Offer, idempotency_key: str) -> Order | None:
    order = Order.objects.filter(user=user, idempotency_key=idempotency_key).first()
    if order is not None and order.offer_id != offer.pk:
        raise Conflict(
            gettext(
                "This key was already used to order something else. You were not charged. Use"
                " a new key for a new order."
            ),
            code="idempotency_conflict",
        )
    if order is not None and _is_stale(order):
        _give_up(order, "It was interrupted too long ago to be taken up again.")
        return None
    return order


def _create(user: User, offer: Offer, idempotency_key: str) -> Order:
    if not offer.stripe_price_id:
        staff_alert(
            key=f"offer-without-price:{offer.slug}",
            subject=f"{offer.slug} can not be bought: it has no price at Stripe",
            detail="Run: manage.py stripe_sync",
        )
        raise PaymentProviderUnavailable
    try:
        with transaction.atomic():
            return Order.objects.create(
                user=user,
                offer=offer,
                idempotency_key=idempotency_key,
                kind=offer.kind,
                tokens=offer.tokens,
                amount_cents=offer.amount_cents,
                currency=offer.currency,
                stripe_price_id=offer.stripe_price_id,
            )
    except IntegrityError:
        # At the same instant: the same key, or another checkout of a subscription.
        won = _known(user, offer, idempotency_key) or _unfinished_subscription(user)
        if won is None:
            raise
        return won


def _give_up(order: Order, problem: str) -> None:
    """It will never have a checkout page. Its key is free again for the same person's next try."""
    order_move(
        order=order,
        to=Order.State.FAILED,
        now=timezone.now(),
        problem=problem,
        idempotency_key=f"{GIVEN_UP}{order.pk}",
    )


def _is_stale(order: Order) -> bool:
    age = timezone.now() - order.created_at
    return order.state == Order.State.CREATED and age > TAKEN_UP_WITHIN


# --- One subscription each ---------------------------------------------------------------------


def _unfinished_subscription(user: User) -> Order | None:
    return Order.objects.filter(
        user=user, kind=Offer.Kind.SUBSCRIPTION, state__in=Order.UNFINISHED
    ).first()


def _under_way(user: User, offer: Offer) -> Order | None:
    """The person's unfinished subscription checkout, asked about at Stripe; None if it has ended
    or is for another plan (then it is ended)."""
    order = _unfinished_subscription(user)
    if order is None:
        return None
    if not order.checkout_session_id:
        if order.offer_id == offer.pk and not _is_stale(order):
            return order
        _give_up(order, "Another one was begun instead.")
        return None
    order = checkout_settle(session_id=order.checkout_session_id) or order
    if order.state == Order.State.OPEN and order.offer_id != offer.pk:
        _session_end(order)
        return None
    return order if order.state in Order.UNFINISHED else None


def _session_end(order: Order) -> None:
    """Its page can not be paid any more. Raises Conflict where it was paid a moment ago."""
    try:
        with stripe_errors():
            stripe_client().v1.checkout.sessions.expire(str(order.checkout_session_id))
    except stripe.InvalidRequestError:
        # It is not open any more: completed, or expired by itself.
        logger.info("Session %s had ended already", order.checkout_session_id)
    settled = checkout_settle(session_id=str(order.checkout_session_id))
    if settled is not None and settled.state in (Order.State.PAID, Order.State.PROCESSING):
        raise _already_subscribed()


def _refuse_second_subscription(order: Order, customer_id: str) -> None:
    """The order's row keeps every other one out while Stripe is asked."""
    try:
        found = list(stripe_list("subscription", customer=customer_id, status="all"))
    except stripe.InvalidRequestError as error:
        if not is_missing(error):
            raise
        # A customer that Stripe no longer knows has none; making the session mends that.
        return
    if any(subscription.get("status") not in _SUBSCRIPTION_OVER for subscription in found):
        # The order never reached Stripe: as if it had not been asked for.
        Order.objects.filter(pk=order.pk, state=Order.State.CREATED).delete()
        raise _already_subscribed()


def _already_subscribed() -> Conflict:
    return Conflict(
        gettext(
            "You have a subscription already. You were not charged again. You can manage it on"
            " your billing page."
        ),
        code="already_subscribed",
    )


# --- Stripe's side -----------------------------------------------------------------------------


def _open(order: Order, user: User, urls: Urls) -> None:
    """Get the order its customer and its checkout page. Raises PaymentProviderUnavailable."""
    try:
        customer_id = customer_id_of(user_id=user.pk) or customer_create(user=user)
        customer_record(order=order, customer_id=customer_id)
        if order.kind == Offer.Kind.SUBSCRIPTION:
            _refuse_second_subscription(order, customer_id)
        session = session_create(order=order, user=user, urls=urls)
    except PaymentProviderUnavailable as error:
        if isinstance(error.__cause__, stripe.APIError):
            # Stripe repeats a server error to whoever comes with the same idempotency key.
            _give_up(order, str(error.__cause__))
        raise
    except stripe.StripeError as error:
        _give_up(order, str(error))
        staff_alert(
            key=f"checkout-refused:{order.offer_id}",
            subject="Stripe refuses to open a checkout",
            detail=f"Order {order.pk}: {error}. Perhaps `manage.py stripe_sync` mends it.",
        )
        raise PaymentProviderUnavailable from error
    order_move(
        order=order,
        to=Order.State.OPEN,
        now=timezone.now(),
        checkout_session_id=session["id"],
        checkout_url=session["url"],
    )
    if not order.checkout_url:
        # The same order, asked for at the same instant, was given up by the other one.
        raise PaymentProviderUnavailable
