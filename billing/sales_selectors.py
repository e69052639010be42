"""Reads of what a person ordered, paid and was told."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext

from accounts.models import User
from billing.models import Grant, Notice, Order, Payment
from config.errors import NotFound


def orders_of(user: User) -> QuerySet[Order]:
    """Every order of the person, newest first, with its offer and payments (latest first)."""
    return Order.objects.filter(user=user).select_related("offer").prefetch_related("payments")


def order_get(*, user: User, order_id: UUID) -> Order:
    """One of the person's own orders. Raises NotFound, also for somebody else's."""
    order = orders_of(user).filter(pk=order_id).first()
    if order is None:
        raise NotFound(gettext("There is no such order among yours."))
    return order


def order_of_session(*, user: User, session_id: str) -> Order:
    """The person's order that a checkout session belongs to. Raises NotFound."""
    order = None
    if 0 < len(session_id) <= 255 and session_id.isprintable():
        order = orders_of(user).filter(checkout_session_id=session_id).first()
    if order is None:
        raise NotFound(gettext("There is no such order among yours."))
    return order


def payments_of(user: User) -> QuerySet[Payment]:
    """Every payment of the person, newest first, with what it was for."""
    return Payment.objects.filter(user=user).select_related("offer", "period")


def notice_shown(user: User) -> Notice | None:
    """The latest notice that was not dismissed and is not out of date, in one query.

    Tokens that came after it (a new month or day, a purchase, a gift) put it out of date.
    """
    came_later = Grant.objects.filter(user=OuterRef("user"), created_at__gt=OuterRef("created_at"))
    current = Notice.objects.filter(~Exists(came_later), user=user, dismissed_at=None)
    return current.order_by("-created_at", "-pk").first()
