"""Taking money, giving it back, and having it contested."""

from __future__ import annotations

from typing import Any, Final, Literal

from emulators.stripe.errors import CardError, InvalidRequest
from emulators.stripe.objects import money, people
from emulators.stripe.store import Object
from emulators.stripe.world import World

Outcome = Literal["succeeded", "processing", "failed"]

# https://docs.stripe.com/declines/codes
_DECLINES: Final = {
    "generic_decline": ("card_declined", "Your card was declined."),
    "insufficient_funds": ("card_declined", "Your card has insufficient funds."),
    "expired_card": ("expired_card", "Your card has expired."),
    "debit_not_authorized": ("debit_not_authorized", "The bank did not allow the debit."),
}
CONTESTABLE: Final = ("needs_response", "warning_needs_response", "under_review")
FRAUDULENT: Final = "fraudulent"


def method_create(
    world: World, *, number: str, customer_id: str | None, email: str | None
) -> Object:
    """A new payment method: a test card by its number, or `delayed` for a bank debit."""
    if number == "delayed":
        method = people.debit_method(customer_id=customer_id, email=email, created=world.now())
    else:
        card = people.CARDS.get(number)
        if card is None:
            raise InvalidRequest("Your card number is not one of the test cards.", param="number")
        method = people.card_method(card, customer_id=customer_id, email=email, created=world.now())
    world.store.save(method)
    world.store.note(method["id"])["card"] = number
    if customer_id:
        world.emit("payment_method.attached", method)
    return method


def intent_create(
    world: World, *, amount: int, currency: str, customer_id: str | None, **fields: Any
) -> Object:
    """A payment intent, with its event."""
    intent = money.payment_intent(
        amount=amount,
        currency=currency,
        customer_id=customer_id,
        method_types=["card"],
        created=world.now(),
    )
    intent.update(fields)
    world.store.save(intent)
    world.emit("payment_intent.created", intent)
    return intent


def intent_pay(world: World, intent: Object, method: Object, *, renewal: bool = False) -> Outcome:
    """Try to take the money with a method; the charge, the intent and the events tell the rest."""
    number = str(world.store.note(method["id"]).get("card", people.GOOD.number))
    intent["payment_method"] = method["id"]
    if number == "delayed":
        charge = _charge(world, intent, method, status="pending")
        _intent_changes(world, intent, "payment_intent.processing", "processing", charge)
        return "processing"
    decline = _decline(world, intent, number, renewal=renewal)
    if decline:
        _fail(world, intent, method, decline)
        return "failed"
    charge = _charge(world, intent, method, status="succeeded")
    _succeed(world, intent, charge)
    if people.CARDS[number].disputed:
        dispute_open(world, charge)
    return "succeeded"


def intent_settle(world: World, intent: Object, *, succeeded: bool) -> None:
    """End a payment that was processing."""
    charge = world.store.get("charge", intent["latest_charge"])
    if succeeded:
        charge.update(status="succeeded", paid=True, amount_captured=charge["amount"])
        _succeed(world, intent, charge)
        return
    code, message = _DECLINES["debit_not_authorized"]
    charge.update(status="failed", failure_code=code, failure_message=message, outcome=None)
    world.store.save(charge)
    world.emit("charge.failed", charge)
    _intent_failed(world, intent, charge, code, "", message)


def refund_create(
    world: World,
    charge: Object,
    *,
    amount: int | None = None,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Object:
    """Give a part of a charge back, or the rest of it. Raises InvalidRequest."""
    left = charge["amount"] - charge["amount_refunded"]
    if not charge["paid"]:
        raise InvalidRequest(f"Charge {charge['id']} was not paid.", code="charge_not_paid")
    if not left:
        raise InvalidRequest(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    contested = [one for one in _disputes_of(world, charge) if one["status"] != "won"]
    if any(not one["is_charge_refundable"] for one in contested):
        raise InvalidRequest(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    amount = left if amount is None else amount
    if not 0 < amount <= left:
        raise InvalidRequest(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            if amount > left
            else "Invalid positive integer",
            param="amount",
        )
    refund = money.refund(charge_=charge, amount=amount, reason=reason, created=world.now())
    refund["metadata"] = metadata or {}
    world.store.save(refund)
    refund["balance_transaction"] = _on_balance(world, refund, "refund", -amount, 0)["id"]
    world.emit("refund.created", refund)
    refunded = charge["amount_refunded"] + amount
    world.change(
        charge,
        "charge.refunded",
        amount_refunded=refunded,
        refunded=refunded == charge["amount"],
    )
    return refund


def refund_fail(world: World, refund: Object) -> Object:
    """The bank sends a refund back: the money is the account's again."""
    if refund["status"] != "succeeded":
        raise InvalidRequest(f"Refund {refund['id']} is {refund['status']}.")
    charge = world.store.get("charge", refund["charge"])
    returned = _on_balance(world, refund, "refund_failure", refund["amount"], 0)
    world.change(
        refund,
        "refund.failed",
        status="failed",
        failure_reason="lost_or_stolen_card",
        failure_balance_transaction=returned["id"],
    )
    left = charge["amount_refunded"] - refund["amount"]
    world.change(charge, "charge.updated", amount_refunded=left, refunded=False)
    return refund


def dispute_open(
    world: World,
    charge: Object,
    *,
    amount: int | None = None,
    reason: str = FRAUDULENT,
    inquiry: bool = False,
) -> Object:
    """The payer contests a charge; but for an inquiry the money is withdrawn at once."""
    if not charge["paid"] or _open_dispute(world, charge):
        raise InvalidRequest(f"Charge {charge['id']} can not be disputed now.")
    amount = charge["amount"] - charge["amount_refunded"] if amount is None else amount
    if not 0 < amount <= charge["amount"]:
        raise InvalidRequest("A dispute can not be about more than the charge.", param="amount")
    status = "warning_needs_response" if inquiry else "needs_response"
    dispute = money.dispute(
        charge_=charge, amount=amount, reason=reason, status=status, created=world.now()
    )
    world.store.save(dispute)
    if not inquiry:
        _withdraw(world, dispute, -amount, money.DISPUTE_FEE_CENTS)
    charge["disputed"] = True
    world.store.save(charge)
    world.emit("charge.dispute.created", dispute)
    if not inquiry:
        world.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def dispute_close(world: World, dispute: Object, *, won: bool) -> Object:
    """The bank decides. A dispute that was won gives the money back."""
    if dispute["status"] not in CONTESTABLE:
        raise InvalidRequest(f"Dispute {dispute['id']} is closed: {dispute['status']}.")
    inquiry = dispute["status"].startswith("warning")
    if inquiry:
        world.change(dispute, "charge.dispute.closed", status="warning_closed")
        return dispute
    if won:
        _withdraw(world, dispute, dispute["amount"], -money.DISPUTE_FEE_CENTS)
    world.change(dispute, "charge.dispute.closed", status="won" if won else "lost")
    if won:
        world.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def _charge(world: World, intent: Object, method: Object, *, status: str) -> Object:
    email = method["billing_details"]["email"]
    charge = money.charge(
        intent=intent, method=method, status=status, email=email, created=world.now()
    )
    charge["receipt_url"] = f"{world.url}/receipts/{charge['id']}"
    world.store.save(charge)
    if status == "pending":
        world.emit("charge.pending", charge)
    return charge


def _succeed(world: World, intent: Object, charge: Object) -> None:
    fee = round(charge["amount"] * 0.029) + 30
    row = _on_balance(world, charge, "charge", charge["amount"], fee)
    charge["balance_transaction"] = row["id"]
    world.store.save(charge)
    world.emit("charge.succeeded", charge)
    intent.update(amount_received=charge["amount"], last_payment_error=None, processing=None)
    _intent_changes(world, intent, "payment_intent.succeeded", "succeeded", charge)


def _fail(world: World, intent: Object, method: Object, decline: str) -> None:
    code, message = _DECLINES[decline]
    charge = _charge(world, intent, method, status="failed")
    charge.update(
        failure_code=code, failure_message=message, outcome=money.outcome(decline=decline)
    )
    charge["receipt_url"] = None
    world.store.save(charge)
    world.emit("charge.failed", charge)
    _intent_failed(world, intent, charge, code, decline, message)


def _intent_failed(
    world: World, intent: Object, charge: Object, code: str, decline: str, message: str
) -> None:
    error = {
        "charge": charge["id"],
        "code": code,
        "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
        "message": message,
        "payment_method": world.store.get("payment_method", intent["payment_method"]),
        "type": CardError.type,
    }
    if decline:
        error["decline_code"] = decline
    intent.update(last_payment_error=error, payment_method=None)
    _intent_changes(
        world, intent, "payment_intent.payment_failed", "requires_payment_method", charge
    )


def _intent_changes(world: World, intent: Object, kind: str, status: str, charge: Object) -> None:
    intent.update(status=status, latest_charge=charge["id"])
    world.store.save(intent)
    world.emit(kind, intent)


def _decline(world: World, intent: Object, number: str, *, renewal: bool) -> str:
    """Why the bank says no; empty when it does not. A control can make a customer's card fail."""
    card = people.CARDS[number]
    note = world.store.note(intent["customer"]) if intent["customer"] else {}
    if note.get("declines"):
        note["declines"] -= 1
        return str(note.get("decline_code", "generic_decline"))
    return card.later if renewal else card.first


def _on_balance(world: World, source: Object, kind: str, amount: int, fee: int) -> Object:
    return world.store.save(
        money.balance_transaction(
            source=source, kind=kind, amount=amount, fee=fee, created=world.now()
        )
    )


def _withdraw(world: World, dispute: Object, amount: int, fee: int) -> None:
    row = _on_balance(world, dispute, "adjustment", amount, fee)
    dispute["balance_transactions"].append(row)
    world.store.save(dispute)


def _disputes_of(world: World, charge: Object) -> list[Object]:
    return [one for one in world.store.all("dispute") if one["charge"] == charge["id"]]


def _open_dispute(world: World, charge: Object) -> bool:
    return any(one["status"] in CONTESTABLE for one in _disputes_of(world, charge))
