"""Mail about tokens and money: low balances, receipts, failed payments; each at least once.

Who sends takes a lease on the row first (`sending_until`, by compare-and-set), so of two at once
one sends; the row says that the mail went only after the mail server took it. A worker that dies
in between leaves its lease: once that is over the sweep sends again. So a mail may come twice, if
the worker died right after the server had taken it, and is never lost.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from accounts.zones import zone_of
from billing.models import Notice, Order, Payment, PremiumPeriod
from billing.selectors import standing_of

logger = logging.getLogger(__name__)
# A word about today's balance is of no use tomorrow; a receipt is.
NOTICE_WINDOW = timedelta(hours=12)
RECEIPT_WINDOW = timedelta(days=3)
SWEPT_AFTER = timedelta(minutes=2)
# Longer than any mail server takes for an answer (EMAIL_TIMEOUT).
LEASE = timedelta(minutes=5)


class DueMails(NamedTuple):
    """Ids of rows whose mail should have gone out and did not, oldest first."""

    notices: list[int]
    payments: list[int]
    orders: list[str]
    graces: list[int]


def notice_send(*, notice_id: int, now: datetime | None = None) -> bool:
    """Mail a low-balance notice, in the person's language. True if this call sent it."""
    now = now or timezone.now()
    unsent = Notice.objects.filter(pk=notice_id, mailed_at=None, user__is_active=True)
    if not _lease(unsent, now):
        return False
    notice = Notice.objects.select_related("user").get(pk=notice_id)
    sent = _send(
        notice.user, "low_balance", {"notice": notice, "standing": standing_of(notice.user, now)}
    )
    return _settled(Notice.objects.filter(pk=notice_id), sent=sent, mailed_at=now)


def receipt_send(*, payment_id: int, now: datetime | None = None) -> bool:
    """Mail the receipt of a payment, in the person's language. True if this call sent it."""
    now = now or timezone.now()
    this = Payment.objects.filter(pk=payment_id)
    if not _lease(this.filter(receipt_mailed_at=None), now):
        return False
    payment = this.select_related("user", "offer", "period").get()
    sent = _send(payment.user, "receipt", {"payment": payment})
    return _settled(this, sent=sent, receipt_mailed_at=now)


def order_failed_send(*, order_id: str, now: datetime | None = None) -> bool:
    """Say that a payment which was on its way did not arrive. True if this call sent it."""
    this = Order.objects.filter(pk=order_id)
    due = this.filter(state=Order.State.FAILED, failure_mail_due_at__isnull=False)
    if not _lease(due, now or timezone.now()):
        return False
    order = this.select_related("user", "offer").get()
    sent = _send(order.user, "order_failed", {"order": order})
    return _settled(this, sent=sent, failure_mail_due_at=None)


def renewal_failed_send(*, grace_id: int, now: datetime | None = None) -> bool:
    """Say that premium could not be renewed, until when it goes on, and what to do about it.

    grace_id: of the grace that the failure began. Paid or over by now: nothing is sent, now or
    later. True if this call sent it.
    """
    now = now or timezone.now()
    this = PremiumPeriod.objects.filter(pk=grace_id)
    if not _lease(this.filter(failure_mail_due_at__isnull=False), now):
        return False
    grace = this.select_related("user").get()
    paid = PremiumPeriod.objects.filter(
        subscription_id=grace.subscription_id,
        kind=PremiumPeriod.Kind.PAID,
        starts_at__gte=grace.starts_at,
    )
    of_use = grace.ends_at > now and not paid.exists()
    sent = of_use and _send(grace.user, "renewal_failed", {"grace": grace})
    _settled(this, sent=sent or not of_use, failure_mail_due_at=None)
    return sent


def mails_due(*, now: datetime, limit: int = 200) -> DueMails:
    """What the sweep is to send, at most `limit` of each."""
    before = now - SWEPT_AFTER
    free = _free(now)
    notices = Notice.objects.filter(
        free,
        mailed_at=None,
        created_at__gt=now - NOTICE_WINDOW,
        created_at__lte=before,
        user__is_active=True,
    )
    payments = Payment.objects.filter(
        free, receipt_mailed_at=None, created_at__gt=now - RECEIPT_WINDOW, created_at__lte=before
    )
    failed = {
        "failure_mail_due_at__gt": now - RECEIPT_WINDOW,
        "failure_mail_due_at__lte": before,
    }
    orders = Order.objects.filter(free, **failed).order_by("failure_mail_due_at", "pk")
    graces = PremiumPeriod.objects.filter(free, **failed).order_by("failure_mail_due_at", "pk")
    return DueMails(
        notices=list(notices.order_by("pk").values_list("pk", flat=True)[:limit]),
        payments=list(payments.order_by("pk").values_list("pk", flat=True)[:limit]),
        orders=[str(pk) for pk in orders.values_list("pk", flat=True)[:limit]],
        graces=list(graces.values_list("pk", flat=True)[:limit]),
    )


def _free(now: datetime) -> Q:
    """Nobody sends it at this moment, or whoever did has died."""
    return Q(sending_until=None) | Q(sending_until__lte=now)


def _lease(unsent: QuerySet[Any], now: datetime) -> bool:
    """Take the one row of the query for sending. True if it is ours now."""
    return bool(unsent.filter(_free(now)).update(sending_until=now + LEASE))


def _settled(row: QuerySet[Any], *, sent: bool, **facts: Any) -> bool:
    """The lease is over: the row's facts say that it went, or the next sweep tries again."""
    row.update(sending_until=None, **(facts if sent else {}))
    return sent


def _send(user: User, name: str, context: dict[str, Any]) -> bool:
    """Render templates/billing/mail/<name>_subject.txt and <name>.txt, and hand them over."""
    language = user.language if user.language in dict(settings.LANGUAGES) else "en"
    with ExitStack() as stack:
        stack.enter_context(translation.override(language))
        stack.enter_context(timezone.override(zone_of(user.time_zone)))
        links = {
            "pricing_url": settings.APP_URL + reverse("pricing"),
            "billing_url": settings.APP_URL + reverse("billing:overview"),
        }
        words = {**context, **links}
        subject = render_to_string(f"billing/mail/{name}_subject.txt", words)
        text = render_to_string(f"billing/mail/{name}.txt", words)
    try:
        send_mail(" ".join(subject.split()), text, None, [user.email])
    except Exception:
        # Whatever the mail server does: the row stays unsent, and the sweep tries again.
        logger.exception("The mail %s for user %s could not be sent", name, user.pk)
        return False
    return True
