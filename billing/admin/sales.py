"""What is sold, ordered and paid. Offers are edited here; the rest is to look at."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.admin.base import ReadOnlyAdmin, ReadOnlyInline, money, user_links
from billing.models import Offer, Order, Payment, PremiumPeriod
from billing.stripe.dashboard import stripe_link

LEAST_CENTS = 50  # Stripe's least charge in US dollars: https://docs.stripe.com/currencies


class OfferForm(forms.ModelForm[Offer]):
    class Meta:
        model = Offer
        fields = ("slug", "kind", "name", "tokens", "amount_cents", "currency", "enabled", "order")

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).lower()
        if currency != "usd":
            raise forms.ValidationError(_("Prices are in US dollars: usd."))
        return currency

    def clean(self) -> dict[str, Any]:
        """The database would say no as well, but not in words."""
        data = super().clean() or {}
        kind = data.get("kind", self.instance.kind)
        cents, tokens = data.get("amount_cents"), data.get("tokens")
        if tokens == 0:
            self.add_error("tokens", _("At least 1 token."))
        if cents is not None and kind == Offer.Kind.FREE and cents != 0:
            self.add_error("amount_cents", _("The free month costs nothing: 0."))
        if cents is not None and kind != Offer.Kind.FREE and cents < LEAST_CENTS:
            least = _("At least 50 cents: Stripe takes no smaller payment.")
            self.add_error("amount_cents", least)
        if kind == Offer.Kind.FREE and data.get("enabled") is False:
            self.add_error("enabled", _("The free month can not be switched off."))
        return data


@admin.register(Offer)
class OfferAdmin(admin.ModelAdmin[Offer]):
    """A change is for new orders only: what was ordered keeps its price and tokens."""

    form = OfferForm
    list_display = ("name", "slug", "kind", "tokens", "price", "enabled", "order", "at_stripe")
    list_filter = ("kind", "enabled")
    search_fields = ("slug", "name", "=stripe_product_id", "=stripe_price_id")
    readonly_fields = ("at_stripe", "updated_at")
    fields = (*OfferForm.Meta.fields, "at_stripe", "updated_at")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Offer | None = None
    ) -> tuple[str, ...]:
        # Orders, payments and API clients know an offer by these.
        return (*self.readonly_fields, "slug", "kind") if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Offer, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        sold = obj.kind != Offer.Kind.FREE
        if sold and (not change or set(form.changed_data) & {"amount_cents", "currency", "name"}):
            messages.warning(
                request,
                gettext(
                    "Stripe does not know this yet: run `manage.py stripe_sync`, or this offer"
                    " can not be sold as it is now."
                ),
            )
        if obj.kind == Offer.Kind.SUBSCRIPTION and "amount_cents" in form.changed_data and change:
            messages.warning(
                request, gettext("Who subscribed before goes on paying the price they agreed to.")
            )

    @admin.display(description=_("price"), ordering="amount_cents")
    def price(self, offer: Offer) -> str:
        return money(offer.amount_cents, offer.currency)

    @admin.display(description=_("at Stripe"))
    def at_stripe(self, offer: Offer) -> SafeString | str:
        return stripe_link(offer.stripe_product_id, offer.stripe_price_id)


class PaymentInline(ReadOnlyInline):
    model = Payment
    fields = ("paid_at", "source", "amount_cents", "refunded_cents", "dispute", "tokens")
    readonly_fields = fields
    show_change_link = True


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin[Order]):
    list_display = ("id", "user_link", "offer", "state", "price", "created_at", "paid_at", "stripe")
    list_filter = ("state", "kind", "created_at")
    list_select_related = ("user", "offer")
    search_fields = (
        "user__email",
        "=id",
        "=checkout_session_id",
        "=subscription_id",
        "=stripe_customer_id",
        "=idempotency_key",
    )
    search_help_text = _("A user's e-mail address, an order's number, or a whole id of Stripe's")
    ordering = ("-created_at",)
    inlines = (PaymentInline,)

    @admin.display(description=_("User"), ordering="user__email")
    def user_link(self, order: Order) -> SafeString:
        return user_links(order.user)

    @admin.display(description=_("price"), ordering="amount_cents")
    def price(self, order: Order) -> str:
        return money(order.amount_cents, order.currency)

    @admin.display(description=_("at Stripe"))
    def stripe(self, order: Order) -> SafeString | str:
        return stripe_link(
            order.checkout_session_id, order.subscription_id, order.stripe_customer_id
        )


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin[Payment]):
    list_display = (
        "source",
        "user_link",
        "offer",
        "price",
        "refunded",
        "dispute",
        "paid_at",
        "receipt_mailed_at",
        "stripe",
    )
    list_filter = ("dispute", ("refunded_cents", admin.AllValuesFieldListFilter), "paid_at")
    list_select_related = ("user", "offer")
    search_fields = ("user__email", "=source", "=payment_intent_id", "=charge_id")
    search_help_text = _("A user's e-mail address, or a whole id of Stripe's")
    ordering = ("-paid_at", "-pk")

    @admin.display(description=_("User"), ordering="user__email")
    def user_link(self, payment: Payment) -> SafeString:
        return user_links(payment.user)

    @admin.display(description=_("amount"), ordering="amount_cents")
    def price(self, payment: Payment) -> str:
        return money(payment.amount_cents, payment.currency)

    @admin.display(description=_("refunded"), ordering="refunded_cents")
    def refunded(self, payment: Payment) -> str:
        return money(payment.refunded_cents, payment.currency) if payment.refunded_cents else "–"

    @admin.display(description=_("at Stripe"))
    def stripe(self, payment: Payment) -> SafeString | str:
        return stripe_link(payment.payment_intent_id or payment.charge_id, payment.source)


@admin.register(PremiumPeriod)
class PremiumPeriodAdmin(ReadOnlyAdmin[PremiumPeriod]):
    list_display = (
        "source",
        "user_link",
        "kind",
        "starts_at",
        "ends_at",
        "tokens_per_day",
        "stripe",
    )
    list_filter = ("kind", "starts_at", "ends_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "=source", "=subscription_id")
    search_help_text = _("A user's e-mail address, or a whole subscription or source")
    ordering = ("-ends_at", "-pk")

    @admin.display(description=_("User"), ordering="user__email")
    def user_link(self, period: PremiumPeriod) -> SafeString:
        return user_links(period.user)

    @admin.display(description=_("at Stripe"))
    def stripe(self, period: PremiumPeriod) -> SafeString | str:
        return stripe_link(period.subscription_id)
