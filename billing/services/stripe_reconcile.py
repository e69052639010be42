"""Asking Stripe what it did lately, for the case that its webhooks did not reach us.

Looks at three things: our orders that are not finished; events without a handled receipt; and the
objects made lately that our rows do not account for. Every one goes through the same function as a
webhook would, so that running this at any time, twice, or beside webhooks changes nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.staff_alerts import staff_alert
from billing.models import Order, Payment, WebhookReceipt
from billing.services.order_states import order_move
from billing.services.stripe_objects import object_refresh
from billing.stripe.api import StripeDict, stripe_list
from billing.stripe.checkout import order_reference
from billing.stripe.facts import id_of
from billing.stripe.webhooks import EVENTS, receipt_key_facts

logger = logging.getLogger(__name__)
LOOKS_BACK = timedelta(hours=48)
# A delayed payment may take two weeks; a checkout page lives for a day.
UNFINISHED_FOR = timedelta(days=30)
ABANDONED_AFTER = timedelta(hours=25)
# Stripe takes at most this many types at once in a list of events.
_EVENT_TYPES_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Reconciled:
    """looked_at: objects that were asked about. failed: of these, could not be (staff know)."""

    looked_at: int
    failed: int
    given_up: int


@dataclass(frozen=True, slots=True)
class _Object:
    type: str
    id: str


def stripe_reconcile(*, now: datetime | None = None) -> Reconciled:
    """Heal whatever was missed in the last 48 hours, in one run.

    An object that can not be handled is passed over, and staff are told at the end. Raises
    PurchasesClosed, PaymentProviderUnavailable where the lists themselves can not be had.
    """
    now = now or timezone.now()
    since = int((now - LOOKS_BACK).timestamp())
    unheard = list(_events_unheard(since))
    objects = list(dict.fromkeys([*_unaccounted(since), *map(_object_of_event, unheard)]))
    objects += [each for each in _unfinished(now) if each not in set(objects)]
    failed = {each for each in objects if not _refreshed(each, now)}
    for event in unheard:
        if _object_of_event(event) not in failed:
            _note_heard(event, now)
    if failed:
        _alert(failed)
    return Reconciled(len(objects), len(failed), _give_up(now))


def _refreshed(found: _Object, now: datetime) -> bool:
    try:
        object_refresh(object_type=found.type, object_id=found.id, now=now)
    except Exception:
        # One object must not keep the others from being healed.
        logger.exception("%s %s could not be reconciled", found.type, found.id)
        return False
    return True


# --- What to look at ---------------------------------------------------------------------------


def _unfinished(now: datetime) -> Iterator[_Object]:
    """Sessions of our orders whose end we have not heard of."""
    waiting = Order.objects.filter(
        state__in=Order.UNFINISHED,
        checkout_session_id__isnull=False,
        created_at__gt=now - UNFINISHED_FOR,
    )
    for session_id in waiting.values_list("checkout_session_id", flat=True):
        yield _Object("checkout.session", str(session_id))


def _events_unheard(since: int) -> Iterator[StripeDict]:
    """Events that we act on and have no handled receipt of, oldest first."""
    found: list[StripeDict] = []
    for start in range(0, len(EVENTS), _EVENT_TYPES_AT_ONCE):
        types = list(EVENTS[start : start + _EVENT_TYPES_AT_ONCE])
        found += stripe_list("event", types=types, created={"gte": since})
    heard = set(
        WebhookReceipt.objects.filter(
            event_id__in=[event["id"] for event in found], handled_at__isnull=False
        ).values_list("event_id", flat=True)
    )
    yield from (event for event in reversed(found) if event["id"] not in heard)


def _unaccounted(since: int) -> Iterator[_Object]:
    """Objects made lately that our rows say nothing, or something else, of."""
    created = {"gte": since}
    for session in stripe_list("checkout.session", created=created):
        if _session_is_unaccounted(session):
            yield _Object("checkout.session", session["id"])
    for invoice in stripe_list("invoice", created=created, status="paid"):
        if not Payment.objects.filter(source=invoice["id"]).exists():
            yield _Object("invoice", invoice["id"])
    for subscription in stripe_list("subscription", created=created, status="all"):
        yield _Object("subscription", subscription["id"])
    for refund in stripe_list("refund", created=created):
        yield _Object("charge", id_of(refund.get("charge")))
    for dispute in stripe_list("dispute", created=created):
        yield _Object("dispute", dispute["id"])


def _session_is_unaccounted(session: StripeDict) -> bool:
    """One that was completed, or that an interrupted order waits for."""
    reference = order_reference(session)
    order = Order.objects.filter(pk=reference).first() if reference else None
    if order is None:
        return False
    return order.checkout_session_id is None or (
        session.get("status") != "open" and order.state in Order.UNFINISHED
    )


def _object_of_event(event: StripeDict) -> _Object:
    told = event["data"]["object"]
    return _Object(told["object"], told["id"])


# --- What is left ------------------------------------------------------------------------------


def _note_heard(event: StripeDict, now: datetime) -> None:
    """So that the next run need not ask again, and a late webhook finds its work done."""
    WebhookReceipt.objects.update_or_create(
        event_id=event["id"],
        defaults={"handled_at": now, "error": ""},
        create_defaults={**receipt_key_facts(event), "received_at": now, "handled_at": now},
    )


def _give_up(now: datetime) -> int:
    """Orders that were interrupted before they had a page, and that nobody asked for again."""
    stale = Order.objects.filter(
        state=Order.State.CREATED, checkout_session_id=None, created_at__lt=now - ABANDONED_AFTER
    )
    return sum(order_move(order=order, to=Order.State.EXPIRED, now=now) for order in stale)


def _alert(failed: set[_Object]) -> None:
    names = sorted(f"{each.type} {each.id}" for each in failed)
    staff_alert(
        key="stripe-reconcile",
        subject=f"{len(names)} object(s) of Stripe could not be reconciled",
        detail="\n".join(names[:100]),
    )
