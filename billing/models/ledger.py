"""Tokens: grants (lots in a pocket), holds, and the append-only movements between their states.

A grant's tokens are always in exactly one of five places: available, held, spent, expired,
voided. A movement takes an amount out of one place and puts it into another, so the ledger
balances by construction; the totals on the grant are guarded by CHECK constraints.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.constraints import UniqueUnlessPostgreSQL


class GrantQuerySet(models.QuerySet["Grant"]):
    def in_spending_order(self) -> GrantQuerySet:
        """Which is spent first: lowest priority, then soonest to expire, then oldest."""
        return self.order_by("priority", F("expires_at").asc(nulls_last=True), "pk")

    def spendable_at(self, now: datetime) -> GrantQuerySet:
        """In effect, not lapsed, and not empty."""
        return self.filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=now),
            spendable=True,
            effective_at__lte=now,
        )


class Grant(models.Model):
    """A lot of tokens in a pocket. All amounts are whole tokens."""

    class Kind(models.TextChoices):
        FREE_MONTHLY = "free_monthly", _("Free monthly")
        PURCHASED = "purchased", _("Purchased")
        PREMIUM_DAILY = "premium_daily", _("Premium daily")
        ADJUSTMENT = "adjustment", _("Adjustment")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="grants",
        db_index=False,  # grant_of_user begins with it
    )
    kind = models.CharField(max_length=16, choices=Kind)
    priority = models.PositiveSmallIntegerField(help_text=_("Lowest is spent first"))
    source = models.CharField(max_length=200, help_text=_("The business fact it comes from, once"))
    effective_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    amount = models.PositiveBigIntegerField()
    available = models.PositiveBigIntegerField()
    held = models.PositiveBigIntegerField(default=0)
    spent = models.PositiveBigIntegerField(default=0)
    expired = models.PositiveBigIntegerField(default=0)
    voided = models.PositiveBigIntegerField(default=0)
    owed = models.PositiveBigIntegerField(
        default=0, help_text=_("Taken back after they were used: a debt, paid from later tokens")
    )
    # The indexes below ask for this flag and not for `available > 0`: an index whose condition
    # names a column is rewritten by every change of it. A flag changes only when a grant runs
    # dry or is filled again, so PostgreSQL can update the totals in place (HOT).
    spendable = models.GeneratedField(
        expression=models.ExpressionWrapper(Q(available__gt=0), output_field=models.BooleanField()),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = GrantQuerySet.as_manager()

    class Meta:
        indexes = [
            # One for two questions: what a user can spend, in order, and all a user ever had.
            models.Index(
                fields=["user", "spendable", "priority", "expires_at", "id"], name="grant_of_user"
            ),
            models.Index(
                fields=["expires_at"], name="grant_to_expire", condition=Q(spendable=True)
            ),
            models.Index(fields=["user"], name="grant_in_debt", condition=Q(owed__gt=0)),
        ]
        constraints = [
            # Not `unique=True`, here and below: that would add a second index, for LIKE.
            models.UniqueConstraint(fields=["source"], name="grant_source_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="grant_amount_positive"),
            models.CheckConstraint(
                condition=Q(available__gte=0)
                & Q(held__gte=0)
                & Q(spent__gte=0)
                & Q(expired__gte=0)
                & Q(voided__gte=0),
                name="grant_states_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    amount=F("available") + F("held") + F("spent") + F("expired") + F("voided")
                ),
                name="grant_states_sum_to_amount",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("effective_at")),
                name="grant_expires_after_effect",
            ),
            # Voided too: tokens that paid another grant's debt were used, and can be owed.
            models.CheckConstraint(
                condition=Q(owed__gte=0) & Q(owed__lte=F("held") + F("spent") + F("voided")),
                name="grant_owes_only_what_was_used",
            ),
            models.CheckConstraint(
                condition=Q(owed=0) | Q(available=0), name="grant_in_debt_has_nothing_left"
            ),
        ]

    def __str__(self) -> str:
        return self.source


class Hold(models.Model):
    """Tokens set aside for one piece of work; resolved exactly once. Pins the grants it took."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        SETTLED = "settled", _("Settled")
        RELEASED = "released", _("Released")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="holds"
    )
    key = models.CharField(max_length=200, help_text=_("What it is for, e.g. run:<id>"))
    amount = models.PositiveBigIntegerField()
    settled_amount = models.PositiveBigIntegerField(null=True, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.OPEN)
    expires_at = models.DateTimeField(help_text=_("Released by the sweep after this"))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["expires_at"], name="hold_open", condition=Q(state="open")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["key"], name="hold_key_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="hold_amount_positive"),
            models.CheckConstraint(
                condition=Q(settled_amount__isnull=True) | Q(settled_amount__lte=F("amount")),
                name="hold_settled_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(state="open", resolved_at__isnull=True)
                | Q(state__in=["settled", "released"], resolved_at__isnull=False),
                name="hold_resolved_once",
            ),
            models.CheckConstraint(
                condition=Q(state="settled", settled_amount__isnull=False)
                | Q(state__in=["open", "released"], settled_amount__isnull=True),
                name="hold_settled_has_amount",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Movement(models.Model):
    """One step of tokens of one grant from one state to another. Never edited, never deleted.

    That which issues a grant is written by the database with the grant; on SQLite, which does not,
    by `services.issuing`. Its key is the grant's source.
    """

    # All but those that issue: these alone are indexed by their grant.
    MOVED: ClassVar[Q] = ~Q(from_state="issued")

    class State(models.TextChoices):
        ISSUED = "issued", _("Issued")
        AVAILABLE = "available", _("Available")
        HELD = "held", _("Held")
        SPENT = "spent", _("Spent")
        EXPIRED = "expired", _("Expired")
        VOIDED = "voided", _("Voided")

    grant = models.ForeignKey(
        Grant,
        on_delete=models.PROTECT,
        related_name="movements",
        db_index=False,  # movement_once begins with it, but for those that issue
    )
    hold = models.ForeignKey(
        Hold,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="movements",
        db_index=False,  # movement_of_hold is it, without the movements that have none
    )
    from_state = models.CharField(max_length=16, choices=State)
    to_state = models.CharField(max_length=16, choices=State)
    amount = models.PositiveBigIntegerField()
    key = models.CharField(max_length=255, help_text=_("Idempotency key"))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["hold"], name="movement_of_hold", condition=Q(hold__isnull=False)),
        ]
        constraints = [
            # Every key has its grant's number in it: unique by itself. A query that wants this
            # index must leave out what it leaves out: see `Movement.MOVED`.
            models.UniqueConstraint(
                fields=["grant", "key"], name="movement_once", condition=~Q(from_state="issued")
            ),
            # On PostgreSQL only the INSERT of a grant can issue it.
            UniqueUnlessPostgreSQL(
                fields=["grant"], name="movement_issues_once", condition=Q(from_state="issued")
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="movement_amount_positive"),
            models.CheckConstraint(
                condition=~Q(from_state=F("to_state")), name="movement_changes_state"
            ),
        ]

    def __str__(self) -> str:
        return self.key


class DebtEntry(models.Model):
    """One step of a debt. `Grant.owed` is their sum. Never edited, never deleted."""

    class Kind(models.TextChoices):
        TAKEN = "taken", _("Taken back after it was used, or given back again")
        RETURNED = "returned", _("Paid by the grant's own tokens, once they were not needed")
        PAID = "paid", _("Paid by another grant's tokens, or those given back again")
        FORGIVEN = "forgiven", _("Forgiven by staff")

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="debt_entries")
    kind = models.CharField(max_length=16, choices=Kind)
    payer = models.ForeignKey(
        Grant,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="debt_payments",
        help_text=_("The grant whose tokens paid"),
    )
    amount = models.BigIntegerField(help_text=_("Tokens; negative where the debt shrinks"))
    key = models.CharField(max_length=255, unique=True, help_text=_("Idempotency key"))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = _("debt entries")
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="debt_entry_changes_something"),
            models.CheckConstraint(
                condition=(Q(kind="paid", payer__isnull=False) & ~Q(payer=F("grant")))
                | (~Q(kind="paid") & Q(payer__isnull=True)),
                name="debt_entry_paid_by_another_grant",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["taken", "paid"]) | Q(amount__lt=0),
                name="debt_entry_only_shrinks",
            ),
        ]

    def __str__(self) -> str:
        return self.key
