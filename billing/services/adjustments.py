"""What staff do to somebody's tokens: always with a reason, always on record, once per key.

The record (`StaffAction`) and the tokens it moves are one transaction. The same key again, about
the same thing, is the same action: nothing moves twice.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from billing.errors import AdjustmentConflict, AdjustmentRefused, HoldAlreadyReleased
from billing.models import Grant, Hold, StaffAction
from billing.services.clawbacks import debt_forgive, grant_claw_back, taken_of, user_lock
from billing.services.grants import grant_create
from billing.services.holds import hold_release

# A slip of the hand is told from a gift.
TOKENS_MAX = 1_000_000_000
# Grants and movements are named after it.
KEY_MAX = 180
_Verb = StaffAction.Verb


def tokens_grant(
    *,
    staff: User,
    user_id: int,
    tokens: int,
    reason: str,
    key: str,
    expires_at: datetime | None = None,
    now: datetime | None = None,
) -> StaffAction:
    """Give the user an adjustment grant of `tokens`, spent before everything else.

    expires_at: when what is left of it lapses, never if None. It pays the user's debts first.
    Raises AdjustmentRefused (no staff, no reason, fewer than 1 token, an end that is over),
    AdjustmentConflict where the key was used for something else, User.DoesNotExist.
    """
    now = now or timezone.now()
    source = f"adjustment:{key}"
    with transaction.atomic():
        action, new = _begin(staff, user_id, _Verb.GRANT, tokens, source, reason, key)
        if expires_at is not None and expires_at <= now and new:
            raise AdjustmentRefused(gettext("These tokens would have lapsed already."))
        if new:
            grant_create(
                user_id=user_id,
                kind=Grant.Kind.ADJUSTMENT,
                amount=tokens,
                source=source,
                effective_at=now,
                expires_at=expires_at,
            )
        return action


def tokens_claw_back(
    *,
    staff: User,
    grant_id: int,
    tokens: int,
    reason: str,
    key: str,
    now: datetime | None = None,
) -> StaffAction:
    """Take `tokens` of the grant back, on top of what was taken back before.

    What was used of them is owed from then on. Raises AdjustmentRefused (as `tokens_grant`, and
    where the grant has not that many tokens left to take), AdjustmentConflict, Grant.DoesNotExist.
    """
    now = now or timezone.now()
    grant = Grant.objects.get(pk=grant_id)
    with transaction.atomic():
        action, new = _begin(
            staff, grant.user_id, _Verb.CLAW_BACK, tokens, grant.source, reason, key
        )
        if new:
            target = taken_of(grant_id=grant_id) + tokens
            done = grant_claw_back(
                grant_id=grant_id, target=target, key=f"staff:{key}", may_owe=True, now=now
            )
            if done.moved != tokens:
                raise AdjustmentRefused(
                    gettext("This grant has only %(tokens)d tokens that can be taken back.")
                    % {"tokens": done.moved}
                )
        return action


def hold_void(
    *, staff: User, hold_id: int, reason: str, key: str, now: datetime | None = None
) -> StaffAction:
    """Give the tokens of an open hold back, as if its work had never been.

    Raises AdjustmentRefused (as `tokens_grant`), AdjustmentConflict, HoldAlreadySettled where it
    had been charged, HoldAlreadyReleased, Hold.DoesNotExist.
    """
    hold = Hold.objects.get(pk=hold_id)
    with transaction.atomic():
        action, new = _begin(
            staff, hold.user_id, _Verb.VOID_HOLD, hold.amount, hold.key, reason, key
        )
        if new:
            if hold.state == Hold.State.RELEASED:
                raise HoldAlreadyReleased(gettext("These tokens had already been given back."))
            hold_release(hold_id=hold_id, now=now)
        return action


def debt_write_off(
    *,
    staff: User,
    grant_id: int,
    tokens: int,
    reason: str,
    key: str,
    now: datetime | None = None,
) -> StaffAction:
    """Let go of `tokens` that the grant's user owes for it.

    Raises AdjustmentRefused (as `tokens_grant`, and where less than that is owed),
    AdjustmentConflict, Grant.DoesNotExist.
    """
    now = now or timezone.now()
    grant = Grant.objects.get(pk=grant_id)
    with transaction.atomic():
        action, new = _begin(staff, grant.user_id, _Verb.FORGIVE, tokens, grant.source, reason, key)
        if new:
            forgiven = debt_forgive(grant_id=grant_id, amount=tokens, key=f"staff:{key}", now=now)
            if forgiven != tokens:
                raise AdjustmentRefused(
                    gettext("Only %(tokens)d tokens are owed for this grant.")
                    % {"tokens": forgiven}
                )
        return action


def _begin(
    staff: User,
    user_id: int,
    verb: StaffAction.Verb,
    tokens: int,
    subject: str,
    reason: str,
    key: str,
) -> tuple[StaffAction, bool]:
    """The action of this key, and whether it is new. Locks the user: the same call beside us
    waits here and then finds our action."""
    if not (staff.is_active and staff.is_staff):
        raise AdjustmentRefused(gettext("Only staff may do this."))
    if not reason.strip():
        raise AdjustmentRefused(gettext("Say why: the reason is kept with the action."))
    if not 1 <= tokens <= TOKENS_MAX:
        raise AdjustmentRefused(
            gettext("A number of tokens from 1 to %(most)s is needed.")
            % {"most": intcomma(TOKENS_MAX)}
        )
    if not 1 <= len(key) <= KEY_MAX:
        raise ValueError(f"a key has 1 to {KEY_MAX} characters")
    user_lock(user_id=user_id)
    facts = {"user_id": user_id, "verb": verb, "tokens": tokens, "subject": subject}
    action, new = StaffAction.objects.get_or_create(
        key=key, defaults={**facts, "staff": staff, "reason": reason.strip()}
    )
    if any(getattr(action, name) != value for name, value in facts.items()):
        raise AdjustmentConflict(gettext("This was already used for another action."))
    return action, new
