"""What is sold: offers, orders, payments, and the periods that premium was paid for.

Prices are minor units (US cents), tokens are whole. What a person was quoted is kept on the order:
changing an offer never changes what was already ordered.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Offer(models.Model):
    """One thing that people can have: the free month, a package, premium. Staff edit these."""

    class Kind(models.TextChoices):
        FREE = "free", _("Free, every month")
        PACKAGE = "package", _("Package, once")
        SUBSCRIPTION = "subscription", _("Subscription, every month")

    slug = models.SlugField(max_length=64, unique=True, help_text=_("Its id in the API"))
    kind = models.CharField(max_length=16, choices=Kind)
    name = models.CharField(max_length=100)
    tokens = models.PositiveBigIntegerField(
        help_text=_("Free: a month. Package: once. Subscription: a day, in UTC.")
    )
    amount_cents = models.PositiveIntegerField(
        default=0, help_text=_("Price in minor units of the currency; 0 for the free one")
    )
    currency = models.CharField(max_length=3, default="usd")
    enabled = models.BooleanField(default=True, help_text=_("Can be had now"))
    order = models.PositiveSmallIntegerField(default=0, help_text=_("Lowest is shown first"))
    stripe_product_id = models.CharField(max_length=255, blank=True, default="")
    stripe_price_id = models.CharField(
        max_length=255, blank=True, default="", help_text=_("Written by stripe_sync")
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["order", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(tokens__gt=0), name="offer_tokens_positive"),
            models.CheckConstraint(
                condition=Q(kind="free", amount_cents=0)
                | (~Q(kind="free") & Q(amount_cents__gt=0)),
                name="offer_free_costs_nothing",
            ),
            models.UniqueConstraint(
                fields=["kind"], condition=Q(kind="free"), name="offer_one_free"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def cents_per_100k(self) -> float:
        """Minor units for 100,000 tokens of a package."""
        return self.amount_cents * 100_000 / self.tokens

    @property
    def tokens_per_month(self) -> int:
        """Of a subscription, in a month of 30 days."""
        return self.tokens * 30


class Order(models.Model):
    """One wish to buy, written before Stripe is asked. It remembers what was quoted."""

    class State(models.TextChoices):
        CREATED = "created", _("Being prepared")
        OPEN = "open", _("Waiting for payment")
        PROCESSING = "processing", _("Payment on its way")
        PAID = "paid", _("Paid")
        FAILED = "failed", _("Payment failed")
        EXPIRED = "expired", _("Not paid in time")
        REJECTED = "rejected", _("Needs a look by us")

    UNFINISHED = (State.CREATED, State.OPEN, State.PROCESSING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders"
    )
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="orders")
    idempotency_key = models.CharField(max_length=200, help_text=_("Of the person's own call"))
    state = models.CharField(max_length=16, choices=State, default=State.CREATED)
    kind = models.CharField(max_length=16, choices=Offer.Kind)
    tokens = models.PositiveBigIntegerField()
    amount_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    stripe_price_id = models.CharField(max_length=255)
    stripe_customer_id = models.CharField(max_length=255, blank=True, default="")
    checkout_session_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    checkout_url = models.URLField(max_length=2000, blank=True, default="")
    subscription_id = models.CharField(max_length=255, blank=True, default="")
    problem = models.TextField(
        blank=True, default="", help_text=_("What did not match, where it was rejected")
    )
    failure_mail_due_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("Empty again once it went out")
    )
    sending_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("Somebody hands its mail over just now")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "pk"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="order_of_user"),
            models.Index(fields=["state", "created_at"], name="order_by_state"),
            models.Index(
                fields=["subscription_id"],
                name="order_of_subscription",
                condition=~Q(subscription_id=""),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["user", "idempotency_key"], name="order_asked_once"),
            # Two checkout pages at once could be paid both: one running subscription would be
            # paid for twice.
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(kind="subscription", state__in=["created", "open", "processing"]),
                name="order_one_open_subscription",
            ),
            models.CheckConstraint(
                condition=Q(tokens__gt=0, amount_cents__gt=0), name="order_amounts_positive"
            ),
            models.CheckConstraint(
                condition=Q(state="paid", paid_at__isnull=False) | ~Q(state="paid"),
                name="order_paid_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Payment(models.Model):
    """Money that came in: one paid package (checkout session) or one paid month (invoice).

    Refunds and disputes are facts of the payment; what they take back is worked out from its
    fields alone, so that the order in which Stripe tells them does not matter.
    """

    class Dispute(models.TextChoices):
        NONE = "", _("None")
        OPEN = "open", _("Open")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payments"
    )
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, null=True, blank=True, related_name="payments"
    )
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="payments")
    source = models.CharField(
        max_length=255, unique=True, help_text=_("Stripe's checkout session or invoice")
    )
    payment_intent_id = models.CharField(max_length=255, blank=True, default="", db_index=True)
    charge_id = models.CharField(max_length=255, blank=True, default="", db_index=True)
    amount_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    tokens = models.PositiveBigIntegerField(help_text=_("Package: in all. Premium: a day."))
    refunded_cents = models.PositiveIntegerField(default=0)
    disputed_cents = models.PositiveIntegerField(default=0)
    dispute = models.CharField(max_length=8, choices=Dispute, default=Dispute.NONE, blank=True)
    reversals = models.PositiveIntegerField(
        default=0, help_text=_("How often tokens were taken back or given back for it")
    )
    receipt_url = models.URLField(max_length=2000, blank=True, default="")
    receipt_mailed_at = models.DateTimeField(null=True, blank=True)
    sending_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("Somebody hands its mail over just now")
    )
    paid_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-paid_at", "-pk"]
        indexes = [models.Index(fields=["user", "-paid_at"], name="payment_of_user")]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_cents__gt=0, tokens__gt=0), name="payment_amounts_positive"
            ),
            models.CheckConstraint(
                condition=Q(refunded_cents__lte=F("amount_cents")),
                name="payment_refunded_within_amount",
            ),
        ]

    def __str__(self) -> str:
        return self.source


class PremiumPeriod(models.Model):
    """A stretch of time with premium: paid for by an invoice, or the grace after a failed one.

    A UTC day that overlaps any of a person's periods is an entitled day.
    """

    class Kind(models.TextChoices):
        PAID = "paid", _("Paid")
        GRACE = "grace", _("Grace after a failed payment")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="premium_periods"
    )
    payment = models.OneToOneField(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="period"
    )
    kind = models.CharField(max_length=8, choices=Kind)
    subscription_id = models.CharField(max_length=255)
    source = models.CharField(
        max_length=255, unique=True, help_text=_("invoice:<id>, or grace:<subscription>:<day>")
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text=_("Not included; moved forward by a refund"))
    cut_from = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("When it would have ended, had no refund or dispute cut it short"),
    )
    tokens_per_day = models.PositiveBigIntegerField()
    failure_mail_due_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("Empty again once it went out")
    )
    sending_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("Somebody hands its mail over just now")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-ends_at", "-pk"]
        indexes = [models.Index(fields=["user", "ends_at"], name="premium_of_user")]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at")), name="premium_period_has_length"
            ),
            models.CheckConstraint(
                condition=Q(kind="paid", payment__isnull=False)
                | Q(kind="grace", payment__isnull=True),
                name="premium_period_paid_or_grace",
            ),
            models.CheckConstraint(
                condition=Q(tokens_per_day__gt=0), name="premium_period_tokens_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.source
