"""Mail about tokens and money: low balances and receipts. Each goes out once.

A row's `…mailed_at` is set before its mail is handed over, by compare-and-set, and taken back if
the mail server refuses: of two at once one sends, and the sweep tries again what did not go.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User
from accounts.zones import zone_of
from billing.models import Notice, Order, Payment
from billing.selectors import standing_of

logger = logging.getLogger(__name__)
# A word about today's balance is of no use tomorrow; a receipt is.
NOTICE_WINDOW = timedelta(hours=12)
RECEIPT_WINDOW = timedelta(days=3)
SWEPT_AFTER = timedelta(minutes=2)


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
    """Say that a payment which was on its way did not arrive. True if it was sent.

    Whoever moves the order to `failed` rings once; a mail that is lost is not tried again, since
    the order's page says the same.
    """
    failed = Order.objects.select_related("user", "offer").filter(state=Order.State.FAILED)
    order = failed.filter(pk=order_id).first()
    return order is not None and _send(order.user, "order_failed", {"order": order})


def mails_due(*, now: datetime, limit: int = 200) -> tuple[list[int], list[int]]:
    """(notices, payments) whose mail should have gone out and did not, oldest first."""
    notices = Notice.objects.filter(
        mailed_at=None,
        created_at__gt=now - NOTICE_WINDOW,
        created_at__lte=now - SWEPT_AFTER,
        user__is_active=True,
    )
    payments = Payment.objects.filter(
        receipt_mailed_at=None,
        created_at__gt=now - RECEIPT_WINDOW,
        created_at__lte=now - SWEPT_AFTER,
    )
    return (
        list(notices.order_by("pk").values_list("pk", flat=True)[:limit]),
        list(payments.order_by("pk").values_list("pk", flat=True)[:limit]),
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
