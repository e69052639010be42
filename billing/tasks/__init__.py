"""What Celery runs for billing. Every task may run twice, at once, late or never."""

from billing.tasks.ledger import (
    debts_pay,
    grants_premake,
    grants_sweep,
    holds_sweep,
    ledger_reconcile,
    premium_premake,
)
from billing.tasks.mail import (
    mails_sweep,
    notice_mail,
    order_failed_mail,
    payment_receipt_mail,
    renewal_failed_mail,
)
from billing.tasks.stripe import (
    intake_prune,
    receipt_handle,
    receipts_sweep,
    stripe_reconcile,
)

__all__ = [
    "debts_pay",
    "grants_premake",
    "grants_sweep",
    "holds_sweep",
    "intake_prune",
    "ledger_reconcile",
    "mails_sweep",
    "notice_mail",
    "order_failed_mail",
    "payment_receipt_mail",
    "premium_premake",
    "receipt_handle",
    "receipts_sweep",
    "renewal_failed_mail",
    "stripe_reconcile",
]
