"""What happens on the hosted checkout page: paid, declined, paid later, let lapse."""

from __future__ import annotations

from typing import Any

from emulators.stripe import invoices, payments, subscriptions
from emulators.stripe.errors import InvalidRequest
from emulators.stripe.objects import people
from emulators.stripe.payments import Outcome
from emulators.stripe.store import Object
from emulators.stripe.world import World


def session_pay(world: World, session: Object, *, number: str, email: str = "") -> Outcome:
    """The person pays with a test card, or with a bank debit that takes days (`delayed`).

    A decline leaves the session open, so that another card can be tried. Raises InvalidRequest
    where the session is not open any more.
    """
    _must_be_open(session)
    email = email or _known_email(world, session)
    customer_id = _customer_of(world, session, email)
    method = payments.method_create(world, number=number, customer_id=customer_id, email=email)
    if session["mode"] == "subscription":
        outcome = _subscribe(world, session, method, str(customer_id))
    else:
        outcome = _pay_once(world, session, method, customer_id)
    if outcome != "failed":
        _complete(world, session, paid=outcome == "succeeded", email=email)
    world.store.save(session)
    return outcome


def session_settle(world: World, session: Object, *, succeeded: bool) -> None:
    """The bank debit of a completed session comes through, or does not."""
    if session["status"] != "complete" or session["payment_status"] != "unpaid":
        raise InvalidRequest("This session does not wait for a payment.")
    world.unschedule("settle_session", session)
    intent = world.store.get("payment_intent", world.store.note(session["id"])["intent"])
    payments.intent_settle(world, intent, succeeded=succeeded)
    if session["subscription"]:
        invoices.intent_ended(world, intent)
    if succeeded:
        session["payment_status"] = "paid"
        _invoice_for_one_payment(world, session)
    world.store.save(session)
    outcome = "succeeded" if succeeded else "failed"
    world.emit(f"checkout.session.async_payment_{outcome}", session)


def session_expire(world: World, session: Object) -> Object:
    """Close an open session; raises InvalidRequest for one that is not open."""
    if session["status"] != "open":
        raise InvalidRequest(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of {session['status']}."
        )
    world.unschedule("expire_session", session)
    session.update(status="expired", url=None)
    world.store.save(session)
    world.emit("checkout.session.expired", session)
    return session


def expire_when_due(world: World, session: Object) -> None:
    """The date of an abandoned session has come."""
    if session["status"] == "open":
        session_expire(world, session)


def settle_when_due(world: World, session: Object) -> None:
    """Bank debits come through by themselves, unless a control said otherwise before."""
    if session["payment_status"] == "unpaid":
        session_settle(world, session, succeeded=True)


def _must_be_open(session: Object) -> None:
    if session["status"] != "open":
        raise InvalidRequest(f"This Checkout Session is {session['status']}, not open.")


def _known_email(world: World, session: Object) -> str:
    customer = world.store.find(session["customer"])
    return str((customer or {}).get("email") or session["customer_email"] or "buyer@example.com")


def _customer_of(world: World, session: Object, email: str) -> str | None:
    guest = session["mode"] == "payment" and session["customer_creation"] == "if_required"
    if session["customer"] is None and not guest:
        customer = people.customer(created=world.now())
        customer["email"] = email
        world.store.save(customer)
        world.emit("customer.created", customer)
        session["customer"] = customer["id"]
    customer_id: str | None = session["customer"]
    return customer_id


def _pay_once(world: World, session: Object, method: Object, customer_id: str | None) -> Outcome:
    note = world.store.note(session["id"])
    asked: dict[str, Any] = note.get("payment_intent_data", {})
    intent = world.store.find(session["payment_intent"]) or payments.intent_create(
        world,
        amount=session["amount_total"],
        currency=session["currency"],
        customer_id=customer_id,
        metadata=asked.get("metadata", {}),
        description=asked.get("description"),
        receipt_email=asked.get("receipt_email"),
        setup_future_usage=asked.get("setup_future_usage"),
    )
    session["payment_intent"] = note["intent"] = intent["id"]
    return payments.intent_pay(world, intent, method)


def _subscribe(world: World, session: Object, method: Object, customer_id: str) -> Outcome:
    note = world.store.note(session["id"])
    asked: dict[str, Any] = note.get("subscription_data", {})
    started = world.store.find(note.get("subscription"))
    if started is None:
        started = subscriptions.subscription_start(
            world,
            customer_id=customer_id,
            method=method,
            lines=[(line["price"], line["quantity"]) for line in note["lines"]],
            metadata=asked.get("metadata", {}),
            description=asked.get("description"),
        )
        note["subscription"] = started["id"]
    started["default_payment_method"] = method["id"]
    invoice = world.store.get("invoice", started["latest_invoice"])
    outcome = invoices.invoice_collect(world, invoice, method)
    note["intent"] = world.store.note(invoice["id"])["intent"]
    if outcome != "failed":
        session.update(subscription=started["id"], invoice=invoice["id"])
    return outcome


def _complete(world: World, session: Object, *, paid: bool, email: str) -> None:
    world.unschedule("expire_session", session)
    session.update(
        status="complete",
        payment_status="paid" if paid else "unpaid",
        url=None,
        customer_details={
            "address": {**people.NOWHERE, "country": "US"},
            "business_name": None,
            "email": email,
            "individual_name": None,
            "name": "Test Buyer",
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
    )
    if paid:
        _invoice_for_one_payment(world, session)
    else:
        due = world.now() + world.settings.delayed_payment_seconds
        world.schedule("settle_session", session, due)
    world.store.save(session)
    world.emit("checkout.session.completed", session)


def _invoice_for_one_payment(world: World, session: Object) -> None:
    creation = session["invoice_creation"]
    if creation and creation["enabled"] and session["customer"]:
        lines = world.store.note(session["id"])["lines"]
        invoice = invoices.invoice_of_checkout(world, session, lines)
        session["invoice"] = invoice["id"]
