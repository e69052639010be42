"""Telling the people on duty: a row they resolve in the admin, a log line, and one mail."""

from __future__ import annotations

import logging

from django.core.mail import mail_admins
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import StaffAlert

logger = logging.getLogger(__name__)


def staff_alert(*, key: str, subject: str, detail: str = "") -> StaffAlert:
    """Raise a matter, or count it again while it is open.

    key: what it is about, so that the same matter is one row (`order-rejected:<id>`). subject and
    detail: for staff, English, without secrets. The mail goes out once, after the commit; mail
    that can not be sent is logged and changes nothing.
    """
    now = timezone.now()
    logger.error("staff alert %s: %s", key, subject)
    alert, created = StaffAlert.objects.get_or_create(
        key=key[:200], resolved_at=None, defaults={"subject": subject[:200], "detail": detail}
    )
    if created:
        transaction.on_commit(lambda: _mail(alert))
        return alert
    StaffAlert.objects.filter(pk=alert.pk).update(
        times=F("times") + 1, raised_at=now, detail=detail or alert.detail
    )
    alert.refresh_from_db()
    return alert


def _mail(alert: StaffAlert) -> None:
    try:
        mail_admins(alert.subject, alert.detail)
    except Exception:
        # Whatever the mail server does: the row and the log line are there.
        logger.exception("staff could not be mailed about %s", alert.key)
