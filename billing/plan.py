"""What plan a person is on, for pages and the API: read from our own rows, no call to Stripe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import F, QuerySet

from accounts.models import User
from billing.models import PremiumPeriod
from billing.services.subscription_mirror import subscriptions_of
from billing.stripe.facts import SubscriptionFacts


class PlanState(StrEnum):
    """NONE: never subscribed. CANCELLING: paid, and not renewed. PAST_DUE: nobody paid so far."""

    NONE = "none"
    ACTIVE = "active"
    CANCELLING = "cancelling"
    PAST_DUE = "past_due"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Plan:
    """A person's subscription. Instants are UTC, price_cents minor units for one period.

    renews_at: the next payment, while active. ends_at: when premium ends or ended, once that is
    known. grace_until: until when past due keeps the daily tokens; None if there is no grace.
    """

    state: PlanState
    renews_at: datetime | None = None
    ends_at: datetime | None = None
    grace_until: datetime | None = None
    subscription_id: str = ""
    price_cents: int = 0
    currency: str = ""

    @property
    def running(self) -> bool:
        """Whether there is a subscription that could be cancelled, or must not be had twice."""
        return self.state in {PlanState.ACTIVE, PlanState.CANCELLING, PlanState.PAST_DUE}


_STATES = {
    "active": PlanState.ACTIVE,
    "trialing": PlanState.ACTIVE,
    "past_due": PlanState.PAST_DUE,
    # Stripe gave up trying, but paying its invoice brings the subscription back.
    "unpaid": PlanState.PAST_DUE,
    "canceled": PlanState.ENDED,
}


def plan_of(user: User, now: datetime) -> Plan:
    """The person's plan: the subscription that runs, else the last one that did."""
    known = [facts for facts in subscriptions_of(user_id=user.pk) if facts.status in _STATES]
    if not known:
        return Plan(PlanState.NONE)
    return _plan(min(known, key=lambda facts: _is_over(facts, now)), now)


def _plan(facts: SubscriptionFacts, now: datetime) -> Plan:
    state = PlanState.ENDED if _is_over(facts, now) else _STATES[facts.status]
    if state == PlanState.ACTIVE and facts.cancels_at:
        state = PlanState.CANCELLING
    return Plan(
        state=state,
        renews_at=facts.period_end if state == PlanState.ACTIVE else None,
        ends_at=_ends_at(facts) if state == PlanState.ENDED else facts.cancels_at,
        grace_until=_grace_until(facts) if state == PlanState.PAST_DUE else None,
        subscription_id=facts.id,
        price_cents=facts.price_cents,
        currency=facts.currency,
    )


def _is_over(facts: SubscriptionFacts, now: datetime) -> bool:
    """Ended, or its announced end has passed and Stripe's word of it is still on its way."""
    if facts.status == "canceled":
        return True
    return facts.cancels_at is not None and facts.cancels_at <= now


def _ends_at(facts: SubscriptionFacts) -> datetime | None:
    """A paid period outlives a subscription that was ended in the middle of it."""
    paid = _periods(facts).filter(kind=PremiumPeriod.Kind.PAID)
    ends = [paid.values_list("ends_at", flat=True).first(), facts.ended_at or facts.cancels_at]
    return max((end for end in ends if end is not None), default=None)


def _grace_until(facts: SubscriptionFacts) -> datetime | None:
    """Of the grace for the period that is not paid; an earlier failure had its own."""
    grace = _periods(facts).filter(kind=PremiumPeriod.Kind.GRACE)
    if facts.period_start is not None:
        grace = grace.filter(starts_at__gte=facts.period_start)
    return grace.values_list("ends_at", flat=True).first()


def _periods(facts: SubscriptionFacts) -> QuerySet[PremiumPeriod]:
    """The subscription's periods that have any length, the latest first."""
    return PremiumPeriod.objects.filter(subscription_id=facts.id, ends_at__gt=F("starts_at"))
