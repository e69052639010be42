"""What Stripe tells us: a receipt per event, and a ring once it is committed. Nothing else.

dj-stripe's view has checked the signature and mirrored the object when these run, inside its
transaction. The receipt only says which object to look at; `billing.services.stripe_objects` asks
Stripe how it stands. The receiver calls nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from djstripe.event_handlers import djstripe_receiver
from djstripe.models import Event

from billing.doorbell import ring_on_commit
from billing.models import WebhookReceipt

# What moves money or a subscription. `manage.py stripe_sync --register` asks Stripe for these.
EVENTS: Final = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "charge.succeeded",
    "charge.refunded",
    "charge.refund.updated",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
# What only dj-stripe's mirror, which staff read in the admin, wants to know.
MIRRORED_EVENTS: Final = (
    "customer.updated",
    "customer.deleted",
    "payment_method.attached",
    "payment_method.detached",
    "product.updated",
    "price.updated",
)


@djstripe_receiver(EVENTS)
def event_received(sender: type[Event], event: Event, **kwargs: Any) -> None:
    receipt_record({"id": event.id, "type": event.type, "data": event.data})


def receipt_record(event: Mapping[str, Any]) -> None:
    """Write the receipt of an event of Stripe's, once, and ring for it on commit.

    event: its id, type and data, checked. One that we do not act on leaves no receipt.
    """
    if event["type"] not in EVENTS:
        return
    receipt, created = WebhookReceipt.objects.get_or_create(
        event_id=event["id"], defaults=receipt_key_facts(event)
    )
    if created:
        ring_on_commit("billing.tasks.receipt_handle", receipt.pk)


def receipt_key_facts(event: Mapping[str, Any]) -> dict[str, str]:
    """What a receipt says of its event: the type, and which object to look at."""
    told = event["data"]["object"]
    return {
        "event_type": event["type"],
        "object_type": told["object"],
        "object_id": told["id"],
    }
