"""Mail about tokens and money: low balances, receipts, failed payments. Each goes out once.

A row's `…mailed_at` is set (`failure_mail_due_at` emptied) before its mail is handed over, by
compare-and-set, and that is taken back if the mail server refuses: of two at once one sends, and
the sweep tries again what did not go.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.core.mail import send_mail
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
    if not unsent.update(mailed_at=now):
        return False
    notice = Notice.objects.select_related("user").get(pk=notice_id)
    context = {"notice": notice, "standing": standing_of(notice.user, now)}
    if _send(notice.user, "low_balance", context):
        return True
    Notice.objects.filter(pk=notice_id).update(mailed_at=None)
    return False


def receipt_send(*, payment_id: int, now: datetime | None = None) -> bool:
    """Mail the receipt of a payment, in the person's language. True if this call sent it."""
    unsent = Payment.objects.filter(pk=payment_id, receipt_mailed_at=None)
    if not unsent.update(receipt_mailed_at=now or timezone.now()):
        return False
    payment = Payment.objects.select_related("user", "offer", "period").get(pk=payment_id)
    if _send(payment.user, "receipt", {"payment": payment}):
        return True
    Payment.objects.filter(pk=payment_id).update(receipt_mailed_at=None)
    return False


def order_failed_send(*, order_id: str) -> bool:
    """Say that a payment which was on its way did not arrive. True if this call sent it."""
    order = (
        Order.objects.select_related("user", "offer")
        .filter(pk=order_id, state=Order.State.FAILED, failure_mail_due_at__isnull=False)
        .first()
    )
    if order is None:
        return False
    this = Order.objects.filter(pk=order_id)
    if not this.filter(failure_mail_due_at__isnull=False).update(failure_mail_due_at=None):
        return False
    if _send(order.user, "order_failed", {"order": order}):
        return True
    this.update(failure_mail_due_at=order.failure_mail_due_at)
    return False


def renewal_failed_send(*, grace_id: int, now: datetime | None = None) -> bool:
    """Say that premium could not be renewed, until when it goes on, and what to do about it.

    grace_id: of the grace that the failure began. Paid or over by now: nothing is sent, now or
    later. True if this call sent it.
    """
    now = now or timezone.now()
    grace = (
        PremiumPeriod.objects.select_related("user")
        .filter(pk=grace_id, failure_mail_due_at__isnull=False)
        .first()
    )
    this = PremiumPeriod.objects.filter(pk=grace_id)
    if grace is None or not this.filter(failure_mail_due_at__isnull=False).update(
        failure_mail_due_at=None
    ):
        return False
    paid = PremiumPeriod.objects.filter(
        subscription_id=grace.subscription_id,
        kind=PremiumPeriod.Kind.PAID,
        starts_at__gte=grace.starts_at,
    )
    if grace.ends_at <= now or paid.exists():
        return False
    if _send(grace.user, "renewal_failed", {"grace": grace}):
        return True
    this.update(failure_mail_due_at=grace.failure_mail_due_at)
    return False


def mails_due(*, now: datetime, limit: int = 200) -> DueMails:
    """What the sweep is to send, at most `limit` of each."""
    before = now - SWEPT_AFTER
    notices = Notice.objects.filter(
        mailed_at=None,
        created_at__gt=now - NOTICE_WINDOW,
        created_at__lte=before,
        user__is_active=True,
    )
    payments = Payment.objects.filter(
        receipt_mailed_at=None, created_at__gt=now - RECEIPT_WINDOW, created_at__lte=before
    )
    failed = {
        "failure_mail_due_at__gt": now - RECEIPT_WINDOW,
        "failure_mail_due_at__lte": before,
    }
    orders = Order.objects.filter(**failed).order_by("failure_mail_due_at", "pk")
    graces = PremiumPeriod.objects.filter(**failed).order_by("failure_mail_due_at", "pk")
    return DueMails(
        notices=list(notices.order_by("pk").values_list("pk", flat=True)[:limit]),
        payments=list(payments.order_by("pk").values_list("pk", flat=True)[:limit]),
        orders=[str(pk) for pk in orders.values_list("pk", flat=True)[:limit]],
        graces=list(graces.values_list("pk", flat=True)[:limit]),
    )


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
