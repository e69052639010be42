"""Invoices: drawn up, finalized, collected, tried again."""

from __future__ import annotations

from emulators.stripe import payments, standing
from emulators.stripe.errors import InvalidRequest
from emulators.stripe.objects import billing
from emulators.stripe.payments import Outcome
from emulators.stripe.store import Object, Store
from emulators.stripe.world import DAY_SECONDS, World


def invoice_of_subscription(world: World, subscription: Object, *, reason: str) -> Object:
    """A draft for the running period of a subscription.

    reason: subscription_create or subscription_cycle. A cycle's own period is the one that has
    just ended; its lines' period is the one that is paid for.
    """
    items = subscription["items"]["data"]
    start, end = items[0]["current_period_start"], items[0]["current_period_end"]
    before = world.store.note(subscription["id"]).get("last_start", start)
    customer = world.store.get("customer", subscription["customer"])
    invoice = billing.invoice(
        customer=customer,
        currency=subscription["currency"],
        reason=reason,
        period=(before, start),
        created=world.now(),
    )
    invoice["parent"] = {
        "quote_details": None,
        "subscription_details": {
            "metadata": dict(subscription["metadata"]),
            "subscription": subscription["id"],
        },
        "type": "subscription_details",
    }
    lines = []
    for item in items:
        product = world.store.get("product", item["price"]["product"])
        lines.append(
            billing.invoice_line(
                invoice_id=invoice["id"],
                price=item["price"],
                quantity=item["quantity"],
                description=f"{item['quantity']} × {product['name']}",
                period=(start, end),
                parent=billing.of_subscription(item),
                metadata=dict(subscription["metadata"]),
            )
        )
    return _drawn_up(world, invoice, lines)


def invoice_of_checkout(world: World, session: Object, lines: list[Object]) -> Object:
    """The paid invoice of a one-time payment, where the session asked for one."""
    customer = world.store.get("customer", session["customer"])
    now = world.now()
    invoice = billing.invoice(
        customer=customer, currency=session["currency"], reason="manual", period=(now, now),
        created=now,
    )  # fmt: skip
    data = session["invoice_creation"]["invoice_data"]
    invoice.update(metadata=dict(data.get("metadata") or {}), description=data["description"])
    drawn = [
        billing.invoice_line(
            invoice_id=invoice["id"],
            price=line["price"],
            quantity=line["quantity"],
            description=line["description"],
            period=(now, now),
            parent=None,
            metadata={},
        )
        for line in lines
    ]
    _drawn_up(world, invoice, drawn)
    invoice_finalize(world, invoice, intent_id=session["payment_intent"])
    _paid(world, invoice)
    return invoice


def _drawn_up(world: World, invoice: Object, lines: list[Object]) -> Object:
    total = sum(line["amount"] for line in lines)
    invoice["lines"] = billing.invoice_lines(invoice["id"], lines)
    for name in ("amount_due", "amount_remaining", "subtotal", "subtotal_excluding_tax",
                 "total", "total_excluding_tax"):  # fmt: skip
        invoice[name] = total
    world.store.save(invoice)
    world.emit("invoice.created", invoice)
    return invoice


def invoice_finalize(world: World, invoice: Object, *, intent_id: str = "") -> Object:
    """Give a draft its number and its payment intent: from now on it can be paid."""
    if invoice["status"] != "draft":
        return invoice
    customer = world.store.get("customer", invoice["customer"])
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04}"
    customer["next_invoice_sequence"] += 1
    world.store.save(customer)
    page = f"{world.url}/invoices/{invoice['id']}"
    invoice["status_transitions"]["finalized_at"] = world.now()
    invoice.update(
        status="open",
        number=number,
        effective_at=world.now(),
        hosted_invoice_url=page,
        invoice_pdf=f"{page}/pdf",
        automatically_finalizes_at=None,
        ending_balance=0,
    )
    if not intent_id:
        intent = payments.intent_create(
            world,
            amount=invoice["amount_due"],
            currency=invoice["currency"],
            customer_id=invoice["customer"],
            description="Subscription " + invoice["billing_reason"].removeprefix("subscription_"),
        )
        intent_id = intent["id"]
    world.store.note(invoice["id"])["intent"] = intent_id
    world.store.note(intent_id)["invoice"] = invoice["id"]
    world.store.save(
        billing.invoice_payment(invoice_=invoice, intent_id=intent_id, created=world.now())
    )
    world.store.save(invoice)
    world.emit("invoice.finalized", invoice)
    return invoice


def invoice_collect(
    world: World, invoice: Object, method: Object | None = None, *, renewal: bool = False
) -> Outcome:
    """Try to charge an invoice, with the given method or the subscription's own."""
    invoice_finalize(world, invoice)
    if invoice["status"] != "open":
        raise InvalidRequest(f"This invoice is {invoice['status']} and can not be paid.")
    intent = world.store.get("payment_intent", world.store.note(invoice["id"])["intent"])
    if intent["status"] == "processing":
        return "processing"
    invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + 1)
    chosen = method or _method_of(world, invoice)
    if chosen is None:
        _failed(world, invoice)
        return "failed"
    outcome = payments.intent_pay(world, intent, chosen, renewal=renewal)
    if outcome == "succeeded":
        _paid(world, invoice)
    elif outcome == "failed":
        _failed(world, invoice)
    else:
        world.store.save(invoice)
    return outcome


def intent_ended(world: World, intent: Object) -> None:
    """A payment that was processing has ended: its invoice hears of it."""
    invoice_id = world.store.note(intent["id"]).get("invoice")
    if invoice_id:
        invoice = world.store.get("invoice", invoice_id)
        (_paid if intent["status"] == "succeeded" else _failed)(world, invoice)


def charge_when_due(world: World, invoice: Object) -> None:
    """The hour of a draft, or of another try, has come."""
    if invoice["status"] in ("draft", "open"):
        invoice_collect(world, invoice, renewal=True)


def payments_of(store: Store, invoice: Object) -> list[Object]:
    """The links to the intents that paid, or are to pay, an invoice."""
    rows = store.all("invoice_payment")
    return [row for row in rows if row["invoice"] == invoice["id"]]


def _paid(world: World, invoice: Object) -> None:
    world.unschedule("charge_invoice", invoice)
    now = world.now()
    invoice["status_transitions"]["paid_at"] = now
    for link in payments_of(world.store, invoice):
        link.update(status="paid", amount_paid=invoice["amount_due"])
        link["status_transitions"]["paid_at"] = now
        world.store.save(link)
        world.emit("invoice_payment.paid", link)
    invoice.update(
        status="paid",
        attempted=True,
        amount_paid=invoice["amount_due"],
        amount_remaining=0,
        next_payment_attempt=None,
        auto_advance=False,
    )
    world.store.save(invoice)
    subscription = _subscription_of(world, invoice)
    if subscription is not None:
        standing.subscription_paid(world, subscription)
    world.emit("invoice.paid", invoice)
    world.emit("invoice.payment_succeeded", invoice)


def _failed(world: World, invoice: Object) -> None:
    tries = invoice["attempt_count"]
    days = world.settings.retry_days
    subscription = _subscription_of(world, invoice)
    renewal = invoice["billing_reason"] == "subscription_cycle"
    again = renewal and tries <= len(days) and invoice["auto_advance"]
    if again:
        at = world.now() + days[tries - 1] * DAY_SECONDS
        invoice["next_payment_attempt"] = at
        world.schedule("charge_invoice", invoice, at)
    else:
        invoice["next_payment_attempt"] = None
    world.store.save(invoice)
    world.emit("invoice.payment_failed", invoice)
    if subscription is None or not renewal:
        return
    standing.subscription_owes(world, subscription)
    if not again:
        standing.subscription_lost(world, subscription)


def _method_of(world: World, invoice: Object) -> Object | None:
    """The subscription's card, else the customer's; a detached one is none."""
    subscription = _subscription_of(world, invoice) or {}
    customer = world.store.get("customer", invoice["customer"])
    for name in (
        subscription.get("default_payment_method"),
        customer["invoice_settings"]["default_payment_method"],
    ):
        method = world.store.find(name)
        if method is not None and method["customer"]:
            return method
    return None


def subscription_id_of(invoice: Object) -> str | None:
    """The subscription that an invoice is for."""
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    return details.get("subscription")


def _subscription_of(world: World, invoice: Object) -> Object | None:
    return world.store.find(subscription_id_of(invoice))
