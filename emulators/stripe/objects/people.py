"""The account, customers, and the cards they pay with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from emulators.stripe.ids import new_id, random_letters
from emulators.stripe.store import Object

ACCOUNT_ID: Final = "acct_1EmulatedTestShop"

NOWHERE: Final[dict[str, Any]] = {
    "city": None, "country": None, "line1": None, "line2": None, "postal_code": None,
    "state": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TestCard:
    """A card that does one thing, like those on https://docs.stripe.com/testing.

    first: what the first payment meets. later: what renewals meet. Empty is success.
    """

    number: str
    brand: str = "visa"
    first: str = ""
    later: str = ""
    disputed: bool = False

    @property
    def last4(self) -> str:
        return self.number[-4:]


GOOD: Final = TestCard("4242424242424242")
CARDS: Final = {
    card.number: card
    for card in (
        GOOD,
        TestCard("5555555555554444", brand="mastercard"),
        TestCard("4000000000000002", first="generic_decline", later="generic_decline"),
        TestCard("4000000000009995", first="insufficient_funds", later="insufficient_funds"),
        TestCard("4000000000000069", first="expired_card", later="expired_card"),
        TestCard("4000000000000341", later="generic_decline"),
        TestCard("4000000000000259", disputed=True),
    )
}


def account(*, created: int, country: str = "US") -> Object:
    """The one account: ours."""
    return {
        "id": ACCOUNT_ID,
        "object": "account",
        "business_profile": {
            "annual_revenue": None, "estimated_worker_count": None, "mcc": None,
            "minority_owned_business_designation": None, "name": "Test shop",
            "product_description": None, "support_address": None, "support_email": None,
            "support_phone": None, "support_url": None, "url": None,
        },
        "business_type": None,
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": country,
        "created": created,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "shop@example.com",
        "external_accounts": {
            "object": "list", "data": [], "has_more": False,
            "url": f"/v1/accounts/{ACCOUNT_ID}/external_accounts",
        },
        "metadata": {},
        "payouts_enabled": True,
        "settings": _account_settings(),
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": "standard",
    }  # fmt: skip


def _account_settings() -> Object:
    return {
        "bacs_debit_payments": {"display_name": None, "service_user_number": None},
        "branding": {
            "icon": None, "logo": None, "primary_color": None, "secondary_color": None,
        },
        "card_issuing": {"tos_acceptance": {"date": None, "ip": None, "user_agent": None}},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": "Test shop", "timezone": "Etc/UTC"},
        "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": "offer"},
        "payments": {
            "statement_descriptor": "TEST SHOP", "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
        },
        "payouts": {
            "debit_negative_balances": True,
            "schedule": {"delay_days": 2, "interval": "daily"},
            "statement_descriptor": None,
        },
        "sepa_debit_payments": {},
    }  # fmt: skip


def customer(*, created: int) -> Object:
    """A customer about whom nothing is known yet."""
    return {
        "id": new_id("cus"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": created,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": random_letters(8).upper(),
        "invoice_settings": {
            "custom_fields": None, "default_payment_method": None, "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }  # fmt: skip


def card_method(
    card: TestCard, *, customer_id: str | None, email: str | None, created: int
) -> Object:
    """A card as a payment method."""
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": billing_details(email),
        "card": {
            **card_facts(card),
            "display_brand": card.brand,
            "generated_from": None,
            "networks": {"available": [card.brand], "preferred": None},
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": created,
        "customer": customer_id,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def debit_method(*, customer_id: str | None, email: str | None, created: int) -> Object:
    """A bank account that is debited days later."""
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": billing_details(email),
        "created": created,
        "customer": customer_id,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "us_bank_account",
        "us_bank_account": {
            "account_holder_type": "individual", "account_type": "checking",
            "bank_name": "STRIPE TEST BANK", "financial_connections_account": None,
            "fingerprint": "emulatedaccount1", "last4": "6789",
            "networks": {"preferred": "ach", "supported": ["ach"]},
            "routing_number": "110000000", "status_details": None,
        },
    }  # fmt: skip


def card_facts(card: TestCard) -> Object:
    """What payment methods and charges both tell of a card."""
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass",
        },
        "country": "US",
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": f"emulatedcard{card.last4}",
        "funding": "credit",
        "last4": card.last4,
        "regulated_status": "unregulated",
    }  # fmt: skip


def billing_details(email: str | None) -> Object:
    """Whom a bill goes to."""
    return {
        "address": dict(NOWHERE),
        "email": email,
        "name": None,
        "phone": None,
        "tax_id": None,
    }
