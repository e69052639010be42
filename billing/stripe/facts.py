"""What Stripe's objects say, read at the pinned API version. Pure: plain dicts in, facts out.

Since 2025-03-31 an invoice names its subscription under `parent.subscription_details`, its payments
under `payments`, a line its price under `pricing.price_details`; a subscription's period is its
item's (https://docs.stripe.com/changelog/basil#2025-03-31.basil). dj-stripe 2.11 still reads the
fields from before, so nothing here goes through its properties.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from billing.models import Payment

# Statuses of a subscription that Stripe goes on charging for.
RUNNING = frozenset({"active", "trialing", "past_due"})
# https://docs.stripe.com/api/disputes/object: a `warning_…` is an enquiry and a `prevented`
# dispute never became one: no money was taken back by either.
_DISPUTES = {
    "needs_response": Payment.Dispute.OPEN,
    "under_review": Payment.Dispute.OPEN,
    "won": Payment.Dispute.WON,
    "lost": Payment.Dispute.LOST,
}


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line for a period of a subscription. quantity: 1 unless Stripe says otherwise."""

    price_id: str
    quantity: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    """lines: those for a whole period of the subscription. other_lines: how many others there are.

    amount_paid_cents: minor units. metadata: the subscription's, as it was at that time.
    """

    id: str
    status: str
    customer_id: str
    subscription_id: str
    metadata: Mapping[str, str]
    amount_paid_cents: int
    currency: str
    lines: tuple[InvoiceLine, ...]
    other_lines: int
    paid_at: datetime | None
    payment_intent_id: str
    charge_id: str


@dataclass(frozen=True, slots=True)
class SubscriptionFacts:
    """period_start, period_end: what Stripe bills for now, paid or not. price_cents: minor units.

    cancels_at: when it ends without a renewal, None while it renews. payment_failed: it was
    cancelled because nobody paid.
    """

    id: str
    status: str
    customer_id: str
    metadata: Mapping[str, str]
    created_at: datetime
    period_start: datetime | None
    period_end: datetime | None
    cancel_at_period_end: bool
    cancels_at: datetime | None
    ended_at: datetime | None
    payment_failed: bool
    price_id: str
    price_cents: int
    currency: str

    @property
    def running(self) -> bool:
        """Whether Stripe goes on charging for it."""
        return self.status in RUNNING


@dataclass(frozen=True, slots=True)
class DisputeFacts:
    """state: of all disputes of a charge together. cents: what those in that state are about."""

    state: Payment.Dispute
    cents: int


def invoice_facts(data: Mapping[str, Any]) -> InvoiceFacts:
    """data: an invoice with its `payments` expanded."""
    parent = (data.get("parent") or {}).get("subscription_details") or {}
    rows = [_invoice_line(row) for row in data["lines"]["data"]]
    lines = tuple(line for line in rows if line is not None)
    payment = _payment_of(data.get("payments"))
    return InvoiceFacts(
        id=data["id"],
        status=data.get("status") or "",
        customer_id=id_of(data.get("customer")),
        subscription_id=id_of(parent.get("subscription")),
        metadata=parent.get("metadata") or {},
        amount_paid_cents=data["amount_paid"],
        currency=data["currency"],
        lines=lines,
        other_lines=len(rows) - len(lines),
        paid_at=instant((data.get("status_transitions") or {}).get("paid_at")),
        payment_intent_id=id_of(payment.get("payment_intent")),
        charge_id=id_of(payment.get("charge")),
    )


def subscription_facts(data: Mapping[str, Any]) -> SubscriptionFacts:
    """data: a subscription, from the API or from the mirror's `stripe_data`."""
    item: Mapping[str, Any] = next(iter((data.get("items") or {}).get("data") or []), {})
    price = item.get("price") or {}
    period_end = instant(item.get("current_period_end"))
    at_period_end = bool(data.get("cancel_at_period_end"))
    # Flexible billing cancels by a date, classic billing by a flag; both mean the same to us.
    cancels_at = instant(data.get("cancel_at")) or (period_end if at_period_end else None)
    return SubscriptionFacts(
        id=data["id"],
        status=data.get("status") or "",
        customer_id=id_of(data.get("customer")),
        metadata=data.get("metadata") or {},
        created_at=datetime.fromtimestamp(data.get("created") or 0, UTC),
        period_start=instant(item.get("current_period_start")),
        period_end=period_end,
        cancel_at_period_end=at_period_end,
        cancels_at=cancels_at,
        ended_at=instant(data.get("ended_at")),
        payment_failed=(data.get("cancellation_details") or {}).get("reason") == "payment_failed",
        price_id=id_of(price),
        price_cents=price.get("unit_amount") or 0,
        currency=price.get("currency") or data.get("currency") or "",
    )


def dispute_facts(
    disputes: Iterable[Mapping[str, Any]], *, amount_cents: int, currency: str
) -> DisputeFacts:
    """All disputes of one charge as one: a lost one counts before an open one before a won one.

    amount_cents and currency: of the payment. A dispute in another currency is about all of it.
    """
    cents = dict.fromkeys(Payment.Dispute, 0)
    for dispute in disputes:
        state = _DISPUTES.get(dispute["status"], Payment.Dispute.NONE)
        same = dispute.get("currency", currency) == currency
        cents[state] += min(dispute["amount"], amount_cents) if same else amount_cents
    for state in (Payment.Dispute.LOST, Payment.Dispute.OPEN, Payment.Dispute.WON):
        if cents[state]:
            return DisputeFacts(state, min(cents[state], amount_cents))
    return DisputeFacts(Payment.Dispute.NONE, 0)


def id_of(reference: object) -> str:
    """The id of a reference, which Stripe gives as an id or, expanded, as the object itself."""
    if isinstance(reference, Mapping):
        return str(reference.get("id") or "")
    return str(reference or "")


def instant(timestamp: int | None) -> datetime | None:
    """A Unix time as an aware instant; None where Stripe says null."""
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)


def _invoice_line(row: Mapping[str, Any]) -> InvoiceLine | None:
    """None for what is not a whole period: a one-off item, or the pro-rated rest of a change."""
    details = (row.get("parent") or {}).get("subscription_item_details")
    if not details or details.get("proration"):
        return None
    price = ((row.get("pricing") or {}).get("price_details") or {}).get("price")
    starts_at, ends_at = instant(row["period"]["start"]), instant(row["period"]["end"])
    if starts_at is None or ends_at is None:
        return None
    quantity = row.get("quantity")
    return InvoiceLine(id_of(price), 1 if quantity is None else quantity, starts_at, ends_at)


def _payment_of(payments: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What paid the invoice: the first payment that went through."""
    for row in (payments or {}).get("data") or []:
        if row.get("status") == "paid":
            payment: Mapping[str, Any] = row.get("payment") or {}
            return payment
    return {}
