"""Subscriptions: started, renewed, cancelled now or at the end of what is paid for."""

from __future__ import annotations

from emulators.stripe import invoices
from emulators.stripe.errors import InvalidRequest
from emulators.stripe.objects import billing
from emulators.stripe.periods import period_start
from emulators.stripe.standing import LIVING, subscription_end
from emulators.stripe.store import Object
from emulators.stripe.world import World


def subscription_start(
    world: World,
    *,
    customer_id: str,
    method: Object,
    lines: list[tuple[Object, int]],
    metadata: dict[str, str],
    description: str | None = None,
) -> Object:
    """An incomplete subscription and its first invoice, finalized but not paid."""
    now = world.now()
    currency = lines[0][0]["currency"]
    subscription = billing.subscription(
        customer_id=customer_id,
        currency=currency,
        method_id=method["id"],
        metadata=dict(metadata),
        created=now,
    )
    subscription["description"] = description
    note = world.store.note(subscription["id"])
    note["period"] = 0
    _give_items(world, subscription, lines)
    customer = world.store.get("customer", customer_id)
    customer["currency"] = customer["currency"] or currency
    world.store.save(customer)
    world.store.save(subscription)
    world.emit("customer.subscription.created", subscription)
    invoice = invoices.invoice_of_subscription(world, subscription, reason="subscription_create")
    subscription["latest_invoice"] = invoice["id"]
    world.store.save(subscription)
    invoices.invoice_finalize(world, invoice)
    world.schedule("renew", subscription, period_end(subscription))
    world.schedule("give_up_subscription", subscription, now + world.settings.incomplete_seconds)
    return subscription


def period_end(subscription: Object) -> int:
    """When what is paid for ends. Seconds since 1970."""
    return int(subscription["items"]["data"][0]["current_period_end"])


def subscription_renew(world: World, subscription: Object) -> None:
    """A period is over: the next one begins, or the subscription ends."""
    if subscription["status"] not in LIVING:
        return
    if subscription["cancel_at_period_end"] or subscription["cancel_at"]:
        subscription_end(world, subscription, reason="cancellation_requested")
        return
    note = world.store.note(subscription["id"])
    items = subscription["items"]["data"]
    before = {"items": {"data": [dict(item) for item in items]}}
    note["period"] += 1
    note["last_start"] = items[0]["current_period_start"]
    for item in items:
        item["current_period_start"] = item["current_period_end"]
        item["current_period_end"] = _start_of(subscription, item["price"], note["period"] + 1)
    world.store.save(subscription)
    invoice = invoices.invoice_of_subscription(world, subscription, reason="subscription_cycle")
    before["latest_invoice"] = subscription["latest_invoice"]
    subscription["latest_invoice"] = invoice["id"]
    world.store.save(subscription)
    world.emit("customer.subscription.updated", subscription, before)
    charge_at = world.now() + world.settings.draft_seconds
    invoice["automatically_finalizes_at"] = charge_at
    world.store.save(invoice)
    world.schedule("charge_invoice", invoice, charge_at)
    world.schedule("renew", subscription, period_end(subscription))


def subscription_cancel_later(
    world: World, subscription: Object, *, portal: bool = False
) -> Object:
    """It ends with the period that is paid for.

    The portal writes `cancel_at` alone for subscriptions in flexible billing mode; the API's
    `cancel_at_period_end` sets both:
    https://docs.stripe.com/billing/subscriptions/billing-mode/compare
    """
    _must_live(subscription)
    details = {**subscription["cancellation_details"], "reason": "cancellation_requested"}
    return world.change(
        subscription,
        "customer.subscription.updated",
        cancel_at_period_end=not portal,
        cancel_at=period_end(subscription),
        canceled_at=world.now(),
        cancellation_details=details,
    )


def subscription_keep(world: World, subscription: Object) -> Object:
    """Take a cancellation back that has not happened yet."""
    _must_live(subscription)
    details = {**subscription["cancellation_details"], "reason": None}
    return world.change(
        subscription,
        "customer.subscription.updated",
        cancel_at_period_end=False,
        cancel_at=None,
        canceled_at=None,
        cancellation_details=details,
    )


def subscription_cancel_now(world: World, subscription: Object) -> Object:
    """It ends at once. Nothing is refunded."""
    if subscription["status"] in ("canceled", "incomplete_expired"):
        raise InvalidRequest(
            f"No such subscription: '{subscription['id']}'", code="resource_missing", param="id",
            status=404,
        )  # fmt: skip
    return subscription_end(world, subscription, reason="cancellation_requested")


def _must_live(subscription: Object) -> None:
    if subscription["status"] in ("canceled", "incomplete_expired"):
        raise InvalidRequest(
            "A canceled subscription can only update its cancellation_details and metadata."
        )


def _give_items(world: World, subscription: Object, lines: list[tuple[Object, int]]) -> None:
    items = []
    for price, quantity in lines:
        if price["type"] != "recurring":
            raise InvalidRequest("A subscription takes recurring prices only.", param="line_items")
        items.append(
            billing.subscription_item(
                subscription_id=subscription["id"],
                price=price,
                quantity=quantity,
                start=subscription["billing_cycle_anchor"],
                end=_start_of(subscription, price, 1),
            )
        )
    subscription["items"] = {
        "object": "list",
        "data": items,
        "has_more": False,
        "total_count": len(items),
        "url": f"/v1/subscription_items?subscription={subscription['id']}",
    }


def _start_of(subscription: Object, price: Object, number: int) -> int:
    recurring = price["recurring"]
    return period_start(
        subscription["billing_cycle_anchor"],
        interval=recurring["interval"],
        interval_count=recurring["interval_count"],
        number=number,
    )
