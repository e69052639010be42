"""Mail: rung for at once, and swept for what did not go out. Rows say what was sent."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from billing.services.mails import (
    mails_due,
    notice_send,
    order_failed_send,
    receipt_send,
    renewal_failed_send,
)


@shared_task(name="billing.tasks.notice_mail")
def notice_mail(notice_id: int) -> None:
    """Tell a person by mail that their tokens run out."""
    notice_send(notice_id=notice_id)


@shared_task(name="billing.tasks.payment_receipt_mail")
def payment_receipt_mail(payment_id: int) -> None:
    """Mail the receipt of one payment."""
    receipt_send(payment_id=payment_id)


@shared_task(name="billing.tasks.order_failed_mail")
def order_failed_mail(order_id: str) -> None:
    """Tell a person that a payment which was on its way did not arrive."""
    order_failed_send(order_id=order_id)


@shared_task(name="billing.tasks.renewal_failed_mail")
def renewal_failed_mail(grace_id: int) -> None:
    """Tell a person that premium could not be renewed, and until when it goes on."""
    renewal_failed_send(grace_id=grace_id)


@shared_task(name="billing.tasks.mails_sweep")
def mails_sweep() -> None:
    """Send what nobody rang for, or what the mail server refused."""
    due = mails_due(now=timezone.now())
    for notice_id in due.notices:
        notice_send(notice_id=notice_id)
    for payment_id in due.payments:
        receipt_send(payment_id=payment_id)
    for order_id in due.orders:
        order_failed_send(order_id=order_id)
    for grace_id in due.graces:
        renewal_failed_send(grace_id=grace_id)
