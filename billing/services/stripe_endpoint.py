"""The webhook endpoint: dj-stripe's row that the door looks up, and its registration at Stripe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID, uuid4

from django.conf import settings
from django.urls import reverse
from djstripe.models import WebhookEndpoint

from billing.stripe.api import StripeDict, as_dict, stripe_client, stripe_errors, stripe_list
from billing.stripe.webhooks import EVENTS, MIRRORED_EVENTS

# Begins the id of a row that is not registered at Stripe (yet).
LOCAL: Final = "we_local_"


def endpoint_of() -> WebhookEndpoint | None:
    """The row that Stripe's webhooks of the present mode (live or test) come in by."""
    rows = WebhookEndpoint.objects.filter(livemode=settings.STRIPE_LIVE_MODE, status="enabled")
    found: WebhookEndpoint | None = rows.order_by("-djstripe_id").first()
    return found


def endpoint_url(uuid: UUID) -> str:
    return settings.APP_URL + reverse("djstripe:djstripe_webhook_by_uuid", args=[uuid])


def endpoint_sync() -> Iterator[str]:
    """See that the row is there and is what the settings say; its uuid stays for ever.

    Yields what was done, in words, never the secret.
    """
    row = endpoint_of()
    made = row is None
    row = row or _new_row()
    facts = {
        "url": endpoint_url(row.djstripe_uuid),
        "secret": settings.STRIPE_WEBHOOK_SECRET or row.secret,
        "enabled_events": list(EVENTS + MIRRORED_EVENTS),
        # What a registered one renders is a fact of Stripe's.
        "api_version": settings.STRIPE_API_VERSION if row.id.startswith(LOCAL) else row.api_version,
    }
    changed = [name for name, value in facts.items() if getattr(row, name) != value]
    if made or changed:
        _save(row, facts)
        yield "made the webhook endpoint's row" if made else f"changed its {', '.join(changed)}"
    if not row.secret:
        yield "it has no signing secret yet: set STRIPE_WEBHOOK_SECRET, or run with --register"


def endpoint_register() -> Iterator[str]:
    """See that Stripe sends our events to our URL, and keep the secret it signs them with.

    After `endpoint_sync`. An endpoint whose secret is not known here, or that renders events at
    another API version, is made anew: Stripe tells a secret only once, and fixes the version.
    Raises PurchasesClosed, PaymentProviderUnavailable, stripe.InvalidRequestError.
    """
    row = endpoint_of()
    if row is None:
        raise RuntimeError("endpoint_sync comes first")
    there = [each for each in stripe_list("webhook_endpoint") if each.get("url") == row.url]
    good = [each for each in there if _is_good(row, each)]
    keep = next(iter(good), None)
    for each in there:
        if each is not keep:
            with stripe_errors():
                stripe_client().v1.webhook_endpoints.delete(each["id"])
            yield f"removed {each['id']}, which is of another version or of an unknown secret"
    if keep is None:
        yield from _registered(row)
    else:
        yield from _adopted(row, keep)


def _is_good(row: WebhookEndpoint, there: StripeDict) -> bool:
    # With an endpoint of an unknown id, the secret in our settings may be the one it signs with.
    known = row.id == there["id"] or bool(settings.STRIPE_WEBHOOK_SECRET)
    return known and bool(row.secret) and there.get("api_version") == settings.STRIPE_API_VERSION


def _registered(row: WebhookEndpoint) -> Iterator[str]:
    body: Any = {
        "url": row.url,
        "enabled_events": list(EVENTS + MIRRORED_EVENTS),
        "api_version": settings.STRIPE_API_VERSION,
        "metadata": {"djstripe_uuid": str(row.djstripe_uuid)},
    }
    with stripe_errors():
        made = as_dict(stripe_client().v1.webhook_endpoints.create(body))
    _save(row, {"id": made["id"], "secret": made["secret"], "api_version": made["api_version"]})
    yield f"registered {made['id']} with Stripe"
    if settings.STRIPE_WEBHOOK_SECRET not in ("", made["secret"]):
        yield (
            "WARNING: STRIPE_WEBHOOK_SECRET is another endpoint's. Unset it (the secret is kept in"
            " the database), or the next stripe_sync puts it back and webhooks are refused"
        )


def _adopted(row: WebhookEndpoint, there: StripeDict) -> Iterator[str]:
    wanted = list(EVENTS + MIRRORED_EVENTS)
    if sorted(there.get("enabled_events") or ()) != sorted(wanted) or (
        there.get("status") != "enabled"
    ):
        changes: Any = {"enabled_events": wanted, "disabled": False}
        with stripe_errors():
            stripe_client().v1.webhook_endpoints.update(there["id"], changes)
        yield f"asked Stripe for our events at {there['id']}"
    if (row.id, row.api_version) != (there["id"], there["api_version"]):
        _save(row, {"id": there["id"], "api_version": there["api_version"]})
        yield f"took over {there['id']}"


def _new_row() -> WebhookEndpoint:
    uuid = uuid4()
    return WebhookEndpoint(
        id=f"{LOCAL}{uuid.hex}",
        djstripe_uuid=uuid,
        livemode=settings.STRIPE_LIVE_MODE,
        status="enabled",
        metadata={},
    )


def _save(row: WebhookEndpoint, facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        setattr(row, name, value)
    row.save()
