"""What an invoice's fate does to its subscription, and how a subscription ends."""

from __future__ import annotations

from emulators.stripe.store import Object
from emulators.stripe.world import HOUR_SECONDS, World

LIVING = ("active", "past_due", "unpaid", "trialing")


def subscription_paid(world: World, subscription: Object) -> None:
    """Its invoice was paid: it is in good standing."""
    world.unschedule("give_up_subscription", subscription)
    if subscription["status"] in ("incomplete", "past_due", "unpaid"):
        world.change(subscription, "customer.subscription.updated", status="active")


def subscription_owes(world: World, subscription: Object) -> None:
    """A renewal could not be charged, and will be tried again."""
    if subscription["status"] == "active":
        world.change(subscription, "customer.subscription.updated", status="past_due")


def subscription_lost(world: World, subscription: Object) -> None:
    """Every try failed: what now, is a setting of the account."""
    after = world.settings.after_retries
    if after == "cancel":
        subscription_end(world, subscription, reason="payment_failed")
    elif subscription["status"] in LIVING:
        world.change(subscription, "customer.subscription.updated", status=after)


def subscription_end(world: World, subscription: Object, *, reason: str) -> Object:
    """It ends now. reason: cancellation_requested, payment_failed or payment_disputed."""
    now = world.now()
    world.unschedule("renew", subscription)
    details = {**subscription["cancellation_details"], "reason": reason}
    subscription.update(
        status="canceled",
        ended_at=now,
        canceled_at=subscription["canceled_at"] or now,
        cancel_at_period_end=False,
        cancellation_details=details,
    )
    world.store.save(subscription)
    for invoice in world.store.all("invoice"):
        if _open_invoice_of(invoice, subscription):
            world.unschedule("charge_invoice", invoice)
            invoice.update(auto_advance=False, next_payment_attempt=None)
            world.store.save(invoice)
    world.emit("customer.subscription.deleted", subscription)
    return subscription


def give_up(world: World, subscription: Object) -> None:
    """The first invoice was never paid: it expires, and its invoice is void."""
    if subscription["status"] != "incomplete":
        return
    invoice = world.store.get("invoice", subscription["latest_invoice"])
    intent = world.store.get("payment_intent", world.store.note(invoice["id"])["intent"])
    if intent["status"] == "processing":  # the bank has the word
        world.schedule("give_up_subscription", subscription, world.now() + HOUR_SECONDS)
        return
    invoice["status_transitions"]["voided_at"] = world.now()
    world.change(invoice, "invoice.voided", status="void", auto_advance=False)
    world.change(
        subscription,
        "customer.subscription.updated",
        status="incomplete_expired",
        ended_at=world.now(),
    )


def _open_invoice_of(invoice: Object, subscription: Object) -> bool:
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    return details.get("subscription") == subscription["id"] and invoice["status"] in (
        "draft",
        "open",
    )
