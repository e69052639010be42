"""The periods in which a person has premium: written from what Stripe says, cut and put back.

Nothing here calls Stripe. Who calls holds the user's lock (`clawbacks.user_lock`) where it says so.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from billing.doorbell import ring_on_commit
from billing.models import Payment, PremiumPeriod
from billing.periods import day_of
from billing.stripe.facts import SubscriptionFacts


def payment_is_reversed(payment: Payment) -> bool:
    """Whether a month's money went back: refunded in full, or a dispute about it was lost."""
    return payment.refunded_cents >= payment.amount_cents or payment.dispute == Payment.Dispute.LOST


def payment_is_kept(payment: Payment) -> bool:
    """Whether nobody took or claims a month's money back. Part of it refunded: still kept."""
    return not payment_is_reversed(payment) and payment.dispute != Payment.Dispute.OPEN


def period_end_billed(period: PremiumPeriod) -> datetime:
    """When the period ends by its invoice, whatever a refund or dispute made of it."""
    return period.cut_from or period.ends_at


def grace_refresh(*, facts: SubscriptionFacts, now: datetime) -> PremiumPeriod | None:
    """Write the grace that a subscription gets after its last paid period. Again: no effect.

    PREMIUM_GRACE_DAYS from the end of the last paid period, once for that period, shorter where
    the subscription ended or was given up before. None where there is no grace: it is paid, or
    what ended it was not a failed payment. When it begins, rings for the mail that tells the
    person. Inside a transaction, under the user's lock.
    """
    paid = PremiumPeriod.objects.filter(
        subscription_id=facts.id, kind=PremiumPeriod.Kind.PAID
    ).select_related("payment")
    last = paid.order_by("-starts_at").first()
    if last is None or last.payment is None:
        return None
    starts_at = period_end_billed(last)
    row = PremiumPeriod.objects.filter(source=_grace_source(facts.id, starts_at)).first()
    begins = row is None
    ends_at = _grace_end(facts, row, starts_at, now)
    if row is None:
        if ends_at <= starts_at or not _payment_failed(facts, starts_at):
            return None
        row = _grace_of(last, starts_at)
    _set_end(row, ends_at)
    if not payment_is_kept(last.payment):
        period_cut(period=row, now=now)
    # Told while something can be done about it: not of what has ended by now.
    told = begins and facts.ended_at is None and row.ends_at > now
    if told:
        row.failure_mail_due_at = now
    row.save()
    if told:
        ring_on_commit("billing.tasks.renewal_failed_mail", row.pk)
    return row


def period_cut(*, period: PremiumPeriod, now: datetime) -> None:
    """End a period before the present UTC day, not before it began. Not saved; again: no effect."""
    if period.cut_from is None:
        period.cut_from = period.ends_at
        today = day_of(now).start
        period.ends_at = max(period.starts_at, min(period.ends_at, today))


def period_restore(*, period: PremiumPeriod) -> None:
    """Put a cut period back to its own end. Not saved; again: no effect."""
    if period.cut_from is not None:
        period.ends_at, period.cut_from = period.cut_from, None


def grace_after(period: PremiumPeriod) -> PremiumPeriod | None:
    """The grace that followed a paid period, if there was one."""
    source = _grace_source(period.subscription_id, period_end_billed(period))
    return PremiumPeriod.objects.filter(source=source).first()


def _payment_failed(facts: SubscriptionFacts, starts_at: datetime) -> bool:
    """Whether Stripe bills for the time after the last paid period, and nobody paid.

    A failed extra invoice in the middle of a paid period is no reason for grace. Nor is the
    second it takes Stripe to end a subscription that was cancelled at its period's end.
    """
    failed = facts.status in {"past_due", "unpaid"} or (
        facts.status == "canceled" and facts.payment_failed
    )
    return failed and facts.period_start is not None and facts.period_start >= starts_at


def _grace_end(
    facts: SubscriptionFacts, row: PremiumPeriod | None, starts_at: datetime, now: datetime
) -> datetime:
    full = starts_at + timedelta(days=settings.PREMIUM_GRACE_DAYS)
    if facts.ended_at is not None:
        return max(starts_at, min(full, facts.ended_at))
    if facts.status == "unpaid":
        # Stripe gave up, and does not say when: as far as we knew until now.
        known = full if row is None else period_end_billed(row)
        return max(starts_at, min(known, now))
    return full


def _grace_of(last: PremiumPeriod, starts_at: datetime) -> PremiumPeriod:
    return PremiumPeriod(
        user_id=last.user_id,
        kind=PremiumPeriod.Kind.GRACE,
        subscription_id=last.subscription_id,
        source=_grace_source(last.subscription_id, starts_at),
        starts_at=starts_at,
        ends_at=starts_at,
        tokens_per_day=last.tokens_per_day,
    )


def _set_end(period: PremiumPeriod, ends_at: datetime) -> None:
    if period.cut_from is None:
        period.ends_at = ends_at
    else:
        period.cut_from = ends_at


def _grace_source(subscription_id: str, starts_at: datetime) -> str:
    return f"grace:{subscription_id}:{starts_at:%Y-%m-%d}"
