"""Everything about one person's tokens and money, for staff."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet, Sum

from accounts.models import StaffAlert, User
from billing.models import (
    DebtEntry,
    Grant,
    Hold,
    Movement,
    Notice,
    Order,
    Payment,
    PremiumPeriod,
    StaffAction,
)
from billing.plan import Plan, plan_of
from billing.selectors import Standing, standing_of

GRANTS_SHOWN = 40
ROWS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Charge:
    """What one piece of work was charged. pockets: (kind, tokens)."""

    hold: Hold
    pockets: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class FullStanding:
    """Amounts are tokens or minor units. Lists are the latest rows, newest first."""

    standing: Standing
    plan: Plan
    grants: list[Grant]
    holds: list[Hold]
    charges: list[Charge]
    orders: list[Order]
    payments: list[Payment]
    periods: list[PremiumPeriod]
    debts: list[DebtEntry]
    notices: list[Notice]
    alerts: list[StaffAlert]
    actions: list[StaffAction]
    customer_ids: list[str]


def full_standing_of(user: User, now: datetime) -> FullStanding:
    """One person on one page, in a fixed number of queries."""
    orders = Order.objects.filter(user=user).select_related("offer")
    payments = Payment.objects.filter(user=user).select_related("offer")
    grants = Grant.objects.filter(user=user).order_by("-pk")
    debts = DebtEntry.objects.filter(grant__user=user).select_related("grant").order_by("-pk")
    customers = orders.exclude(stripe_customer_id="").order_by()
    return FullStanding(
        standing=standing_of(user, now),
        plan=plan_of(user, now),
        grants=list(grants[:GRANTS_SHOWN]),
        holds=list(Hold.objects.filter(user=user, state=Hold.State.OPEN).order_by("-pk")),
        charges=_charges(user),
        orders=list(orders[:ROWS_SHOWN]),
        payments=list(payments[:ROWS_SHOWN]),
        periods=list(PremiumPeriod.objects.filter(user=user)[:ROWS_SHOWN]),
        debts=list(debts[:ROWS_SHOWN]),
        notices=list(Notice.objects.filter(user=user)[:ROWS_SHOWN]),
        alerts=_alerts(user, orders, payments),
        actions=list(StaffAction.objects.filter(user=user).select_related("staff")[:ROWS_SHOWN]),
        customer_ids=list(customers.values_list("stripe_customer_id", flat=True).distinct()),
    )


def _charges(user: User) -> list[Charge]:
    settled = Hold.objects.filter(user=user, state=Hold.State.SETTLED).order_by("-pk")
    holds = list(settled[:ROWS_SHOWN])
    spent = Movement.objects.filter(hold__in=holds, to_state=Movement.State.SPENT)
    parts: dict[int, list[tuple[str, int]]] = defaultdict(list)
    rows = spent.values_list("hold_id", "grant__kind").annotate(tokens=Sum("amount")).order_by()
    for hold_id, kind, tokens in rows:
        parts[hold_id or 0].append((kind, tokens))
    return [Charge(hold, tuple(parts[hold.pk])) for hold in holds]


def _alerts(user: User, orders: QuerySet[Order], payments: QuerySet[Payment]) -> list[StaffAlert]:
    """Matters whose key or text names the person, or one of their latest orders or payments."""
    about = Q(detail__contains=user.email) | Q(key__endswith=f":{user.pk}")
    for order in orders[:ROWS_SHOWN]:
        about |= Q(key__contains=str(order.pk))
        for name in filter(None, (order.checkout_session_id, order.subscription_id)):
            about |= Q(key__contains=name)
    for payment in payments[:ROWS_SHOWN]:
        for name in filter(None, (payment.source, payment.charge_id, payment.payment_intent_id)):
            about |= Q(key__contains=name)
    return list(StaffAlert.objects.filter(about)[:ROWS_SHOWN])
