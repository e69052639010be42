"""Tokens (`ledger`), what is sold (`sales`), what Stripe said (`intake`), what was told and
decided (`notices`)."""

from billing.models.intake import WebhookReceipt
from billing.models.ledger import DebtEntry, Grant, GrantQuerySet, Hold, Movement
from billing.models.notices import Notice, StaffAction
from billing.models.sales import Offer, Order, Payment, PremiumPeriod

__all__ = [
    "DebtEntry",
    "Grant",
    "GrantQuerySet",
    "Hold",
    "Movement",
    "Notice",
    "Offer",
    "Order",
    "Payment",
    "PremiumPeriod",
    "StaffAction",
    "WebhookReceipt",
]
