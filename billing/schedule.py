"""What beat rings, and when.

Any app may have a `schedule.py` with a `SCHEDULE`: `manage.py beat_seed` puts them all into
django-celery-beat's tables. Every time is UTC.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Every:
    seconds: int


@dataclass(frozen=True, slots=True)
class Crontab:
    """UTC; the fields as in cron."""

    minute: str
    hour: str = "*"
    day_of_month: str = "*"


@dataclass(frozen=True, slots=True)
class Periodic:
    """name: unique, what staff see in the admin. task: dotted name of the Celery task."""

    name: str
    task: str
    when: Every | Crontab


SCHEDULE = (
    Periodic(
        "tokens: make the month's free grants",
        "billing.tasks.grants_premake",
        Crontab(minute="0", hour="0", day_of_month="1"),
    ),
    Periodic(
        "tokens: make the day's premium grants",
        "billing.tasks.premium_premake",
        Crontab(minute="0", hour="0"),
    ),
    Periodic("tokens: pay debts", "billing.tasks.debts_pay", Crontab(minute="10")),
    Periodic("tokens: expire lapsed grants", "billing.tasks.grants_sweep", Crontab(minute="5")),
    Periodic("tokens: release forgotten holds", "billing.tasks.holds_sweep", Every(seconds=60)),
    Periodic(
        "tokens: reconcile the ledger",
        "billing.tasks.ledger_reconcile",
        Crontab(minute="30", hour="3"),
    ),
    Periodic("stripe: handle what was not", "billing.tasks.receipts_sweep", Every(seconds=30)),
    Periodic("stripe: find lost webhooks", "billing.tasks.stripe_reconcile", Crontab(minute="20")),
    Periodic(
        "stripe: forget old webhooks", "billing.tasks.intake_prune", Crontab(minute="40", hour="3")
    ),
    Periodic("mail: send what did not go out", "billing.tasks.mails_sweep", Every(seconds=300)),
)
