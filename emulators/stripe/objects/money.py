"""Payment intents, charges, refunds, disputes and what they do to the balance."""

from __future__ import annotations

from typing import Any

from emulators.stripe.ids import new_id, random_letters
from emulators.stripe.objects.people import TestCard, billing_details, card_facts
from emulators.stripe.store import Object

DAY_SECONDS = 86_400
DISPUTE_FEE_CENTS = 1500


def payment_intent(
    *, amount: int, currency: str, customer_id: str | None, method_types: list[str], created: int
) -> Object:
    """An intent for which nothing was charged yet."""
    intent_id = new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{intent_id}_secret_{random_letters(25)}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "customer": customer_id,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": method_types,
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def charge(
    *, intent: Object, method: Object, status: str, email: str | None, created: int
) -> Object:
    """One attempt to take the intent's money. status: succeeded, pending or failed."""
    paid = status == "succeeded"
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": billing_details(email),
        "calculated_statement_descriptor": "TEST SHOP",
        "captured": status != "failed",
        "created": created,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": outcome() if status != "failed" else None,
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _method_details(method, intent["amount"]),
        "presentment_details": None,
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": status,
        "transfer_data": None,
        "transfer_group": None,
    }


def outcome(*, decline: str = "") -> Object:
    """What the network said."""
    if not decline:
        return {
            "advice_code": None, "network_advice_code": None, "network_decline_code": None,
            "network_status": "approved_by_network", "reason": None, "risk_level": "normal",
            "risk_score": 20, "seller_message": "Payment complete.", "type": "authorized",
        }  # fmt: skip
    return {
        "advice_code": "try_again_later", "network_advice_code": None,
        "network_decline_code": "05", "network_status": "declined_by_network", "reason": decline,
        "risk_level": "normal", "risk_score": 20,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }  # fmt: skip


def _method_details(method: Object, amount: int) -> Object:
    if method["type"] != "card":
        bank = method["us_bank_account"]
        return {
            "type": "us_bank_account",
            "us_bank_account": {
                "account_holder_type": bank["account_holder_type"],
                "account_type": bank["account_type"], "bank_name": bank["bank_name"],
                "fingerprint": bank["fingerprint"], "last4": bank["last4"],
                "payment_reference": None, "routing_number": bank["routing_number"],
            },
        }  # fmt: skip
    card = method["card"]
    facts = card_facts(TestCard("0" * 12 + card["last4"], brand=card["brand"]))
    return {
        "type": "card",
        "card": {
            **facts,
            "amount_authorized": amount,
            "authorization_code": None,
            "extended_authorization": {"status": "disabled"},
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": card["brand"],
            "network_token": {"used": False},
            "network_transaction_id": random_letters(15),
            "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
            "three_d_secure": None,
            "wallet": None,
        },
    }


def refund(*, charge_: Object, amount: int, reason: str | None, created: int) -> Object:
    """Money given back for a charge, in whole or in part."""
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge_["id"],
        "created": created,
        "currency": charge_["currency"],
        "destination_details": {
            "card": {
                "reference": random_letters(10), "reference_status": "pending",
                "reference_type": "acquirer_reference_number", "type": "refund",
            },
            "type": "card",
        },
        "metadata": {},
        "payment_intent": charge_["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }  # fmt: skip


def dispute(*, charge_: Object, amount: int, reason: str, status: str, created: int) -> Object:
    """A charge that its payer contests."""
    brand = (charge_["payment_method_details"].get("card") or {}).get("brand", "visa")
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge_["id"],
        "created": created,
        "currency": charge_["currency"],
        "enhanced_eligibility_types": [],
        "evidence": _no_evidence(),
        "evidence_details": {
            "due_by": created + 9 * DAY_SECONDS, "enhanced_eligibility": {},
            "has_evidence": False, "past_due": False, "submission_count": 0,
        },
        "is_charge_refundable": status.startswith("warning"),
        "livemode": False,
        "metadata": {},
        "payment_intent": charge_["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": brand,
                "case_type": "chargeback",
                "network": brand,
                "network_reason_code": "10",
            },
            "type": "card",
        },
        "reason": reason,
        "status": status,
    }  # fmt: skip


def _no_evidence() -> Object:
    names = (
        "access_activity_log", "billing_address", "cancellation_policy",
        "cancellation_policy_disclosure", "cancellation_rebuttal", "customer_communication",
        "customer_email_address", "customer_name", "customer_purchase_ip", "customer_signature",
        "duplicate_charge_documentation", "duplicate_charge_explanation", "duplicate_charge_id",
        "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
        "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address",
        "shipping_carrier", "shipping_date", "shipping_documentation", "shipping_tracking_number",
        "uncategorized_file", "uncategorized_text",
    )  # fmt: skip
    return {**dict.fromkeys(names), "enhanced_evidence": {}}


def balance_transaction(
    *, source: Object, kind: str, amount: int, fee: int, created: int
) -> Object:
    """What something did to the account's balance. amount is signed; fee is in minor units."""
    details: list[dict[str, Any]] = []
    if fee:
        details = [
            {
                "amount": fee, "application": None, "currency": source["currency"],
                "description": "Stripe processing fees", "type": "stripe_fee",
            }
        ]  # fmt: skip
    return {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": created + 2 * DAY_SECONDS,
        "balance_type": "payments",
        "created": created,
        "currency": source["currency"],
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details,
        "net": amount - fee,
        "reporting_category": {"adjustment": "dispute"}.get(kind, kind),
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }
