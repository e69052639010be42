"""Money that went back: refunds and disputes are facts of a payment; tokens follow the facts.

What Stripe says is written on the payment's row (`payment_refresh`); what is to be taken back is
worked out from rows alone (`payment_reverse`). So any order and number of webhooks ends the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.staff_alerts import staff_alert
from billing.models import DebtEntry, Grant, Movement, Payment, PremiumPeriod
from billing.services.clawbacks import grant_claw_back, user_lock
from billing.services.premium_reversals import Claim, periods_beside, premium_claims
from billing.stripe.api import StripeDict, stripe_get, stripe_list
from billing.stripe.facts import dispute_facts, id_of

KEY_PREFIX = "reversal:"
_READS_AT_MOST = 3


# --- What Stripe says --------------------------------------------------------------------------


def charge_refresh(*, charge_id: str, now: datetime | None = None) -> Payment | None:
    """Bring the payment that a charge made up to date with its refunds and disputes.

    None where the payment is not known (yet): whoever records it asks Stripe afterwards. Raises
    PurchasesClosed, PaymentProviderUnavailable (nothing was changed).
    """
    payment = Payment.objects.filter(charge_id=charge_id).exclude(charge_id="").first()
    if payment is None:
        charge = stripe_get("charge", charge_id)
        intent_id = id_of(charge.get("payment_intent")) if charge and _went_through(charge) else ""
        if not intent_id:
            return None
        payment = Payment.objects.filter(payment_intent_id=intent_id).first()
    return None if payment is None else payment_refresh(payment_id=payment.pk, now=now)


def dispute_refresh(*, dispute_id: str, now: datetime | None = None) -> Payment | None:
    """Bring the payment that a dispute is about up to date. As `charge_refresh`."""
    dispute = stripe_get("dispute", dispute_id)
    charge_id = id_of(dispute.get("charge")) if dispute else ""
    return charge_refresh(charge_id=charge_id, now=now) if charge_id else None


def payment_refresh(*, payment_id: int, now: datetime | None = None) -> Payment:
    """Read a payment's charge and disputes afresh, write them down, take back or give back.

    Call it after a payment was recorded too: its money may have gone back before. Raises
    Payment.DoesNotExist, PurchasesClosed, PaymentProviderUnavailable.
    """
    now = now or timezone.now()
    for _ in range(_READS_AT_MOST):
        before = Payment.objects.get(pk=payment_id)
        charge = _charge_of(before)
        if charge is None:
            return before
        facts = _facts(before, charge)
        # What somebody else wrote while Stripe answered may be newer than the answer.
        if Payment.objects.filter(pk=payment_id, **_kept(before)).update(**facts):
            _tell_staff(before, facts)
            break
    return payment_reverse(payment_id=payment_id, now=now)


def _charge_of(payment: Payment) -> StripeDict | None:
    """The charge that went through; an intent may have failed ones before it."""
    if payment.charge_id:
        return stripe_get("charge", payment.charge_id)
    if not payment.payment_intent_id:
        return None
    charges = stripe_list("charge", payment_intent=payment.payment_intent_id)
    return next((charge for charge in charges if _went_through(charge)), None)


def _went_through(charge: StripeDict) -> bool:
    return charge.get("status") == "succeeded"


def _facts(payment: Payment, charge: StripeDict) -> dict[str, Any]:
    disputes: Iterable[StripeDict] = ()
    if charge.get("disputed") or payment.dispute:
        disputes = stripe_list("dispute", charge=charge["id"])
    dispute = dispute_facts(disputes, amount_cents=payment.amount_cents, currency=payment.currency)
    return {
        "charge_id": charge["id"],
        "receipt_url": charge.get("receipt_url") or "",
        "refunded_cents": min(charge["amount_refunded"], payment.amount_cents),
        "disputed_cents": dispute.cents,
        "dispute": dispute.state,
    }


def _kept(payment: Payment) -> dict[str, Any]:
    names = ("charge_id", "receipt_url", "refunded_cents", "disputed_cents", "dispute")
    return {name: getattr(payment, name) for name in names}


def _tell_staff(before: Payment, facts: dict[str, Any]) -> None:
    """Once for each change: what was resolved is not raised again by the next look."""
    if facts["dispute"] != before.dispute and facts["dispute"] == Payment.Dispute.OPEN:
        staff_alert(
            key=f"dispute:{before.source}",
            subject="A payment is disputed: answer it at Stripe",
            detail=f"Payment {before.source} of user {before.user_id}, charge"
            f" {facts['charge_id']}. What is left of its tokens is withheld until it is decided.",
        )
    refunded = facts["refunded_cents"]
    is_month = PremiumPeriod.objects.filter(payment=before).exists()
    if is_month and refunded != before.refunded_cents and 0 < refunded < before.amount_cents:
        staff_alert(
            key=f"premium-partial-refund:{before.source}",
            subject="Part of a month of premium was refunded: its tokens were left alone",
            detail=f"Payment {before.source} of user {before.user_id}: {refunded} of"
            f" {before.amount_cents} {before.currency} cents. Take tokens back by hand, if meant.",
        )


# --- What follows from it ----------------------------------------------------------------------


def payment_reverse(*, payment_id: int, now: datetime) -> Payment:
    """Take back, or give back, what the payment's refunds and disputes say by now. No Stripe.

    A package: the part of its tokens that the money is of, rounded down. Refunded, or lost in a
    dispute: taken, and owed where they were used. Disputed and open: only what is left is
    withheld. A month of premium: see `premium_reversals`. Again: no effect. Raises
    Payment.DoesNotExist.
    """
    with transaction.atomic():
        user_id = Payment.objects.values_list("user_id", flat=True).get(pk=payment_id)
        user_lock(user_id=user_id)
        payment = Payment.objects.select_for_update().get(pk=payment_id)
        period = PremiumPeriod.objects.filter(payment=payment).first()
        if period is None:
            claims = _package_claims(payment)
        else:
            claims = premium_claims(payment=payment, period=period, now=now)
        key = f"{KEY_PREFIX}{payment.source}:{payment.reversals + 1}"
        moved = [_claim(claim, key, now) for claim in claims]
        if any(moved):
            payment.reversals += 1
            payment.save(update_fields=["reversals"])
        return payment


def months_beside_reverse(*, payment_id: int, now: datetime) -> None:
    """A month was paid: its days are no longer those of a month beside it that was refunded.

    Of the days that they share, what was taken comes back. Again: no effect.
    """
    period = PremiumPeriod.objects.filter(payment_id=payment_id).first()
    for other in periods_beside(period=period) if period else ():
        if other.cut_from is not None and other.payment_id not in (None, payment_id):
            payment_reverse(payment_id=other.payment_id, now=now)


def _package_claims(payment: Payment) -> list[Claim]:
    lost, open_ = (
        payment.disputed_cents if payment.dispute == state else 0
        for state in (Payment.Dispute.LOST, Payment.Dispute.OPEN)
    )
    gone = max(payment.refunded_cents, lost)
    if not (gone or open_ or payment.reversals):
        # Nothing went back, and nothing was ever taken: so nearly every payment.
        return []
    grant = Grant.objects.filter(source=f"purchase:{payment.source}").first()
    if grant is None:
        return []
    return [Claim(grant, _share(payment, gone), _share(payment, max(gone, open_)))]


def _share(payment: Payment, cents: int) -> int:
    """Tokens that so much of the money bought, rounded down: all of it is all of them."""
    return payment.tokens * min(cents, payment.amount_cents) // payment.amount_cents


def _claim(claim: Claim, key: str, now: datetime) -> bool:
    """Bring what is taken of a grant, for refunds and disputes, to the claim. True if it moved."""
    taken = _taken(claim.grant)
    moved = False
    if taken.here > claim.withheld:
        moved = _claw_back(claim.grant, taken.elsewhere + claim.withheld, f"{key}:back", True, now)
    elif taken.here < claim.firm:
        moved = _claw_back(claim.grant, taken.elsewhere + claim.firm, f"{key}:take", True, now)
    if max(taken.here, claim.firm) < claim.withheld:
        target = taken.elsewhere + claim.withheld
        moved |= _claw_back(claim.grant, target, f"{key}:hold", False, now)
    return moved


def _claw_back(grant: Grant, target: int, key: str, may_owe: bool, now: datetime) -> bool:
    done = grant_claw_back(grant_id=grant.pk, target=target, key=key, may_owe=may_owe, now=now)
    return done.moved != 0


@dataclass(frozen=True, slots=True)
class _Taken:
    """Tokens taken back of a grant: here for refunds and disputes, elsewhere by staff."""

    here: int
    elsewhere: int


def _taken(grant: Grant) -> _Taken:
    """A won dispute must not give back what staff took for another reason.

    The keys of `grant_claw_back` say what a step was, and whose: `void:<key>:<grant>`.
    """
    moved = Movement.objects.filter(Movement.MOVED, grant=grant)
    entries = DebtEntry.objects.filter(grant=grant)
    here = everything = 0
    for rows, verb, sign in (
        (moved, "void", 1),
        (moved, "unvoid", -1),
        (entries, "owe", 1),
        (entries, "unowe", 1),
    ):
        sums = rows.filter(key__startswith=f"{verb}:").aggregate(
            all=Coalesce(Sum("amount"), 0),
            here=Coalesce(Sum("amount", filter=Q(key__startswith=f"{verb}:{KEY_PREFIX}")), 0),
        )
        here += sign * sums["here"]
        everything += sign * sums["all"]
    return _Taken(here, everything - here)
