"""Subscriptions, invoices, the billing portal."""

from __future__ import annotations

from typing import Any

from emulators.stripe import invoices, subscriptions
from emulators.stripe.api.money import getter
from emulators.stripe.errors import CardError, InvalidRequest
from emulators.stripe.objects import billing
from emulators.stripe.store import Object, Store
from emulators.stripe.wire.answers import INCLUDABLE, as_list, page
from emulators.stripe.wire.call import Call, Route, merged_metadata


def subscription_get(call: Call) -> Object:
    return call.store.get("subscription", call.id)


def subscription_list(call: Call) -> Object:
    """Without `status` the ended ones are left out; `all` is all, `ended` the ended ones."""
    rows = call.store.all("subscription")
    status = call.params.get("status")
    over = ("canceled", "incomplete_expired")
    if status is None:
        rows = [row for row in rows if row["status"] not in over]
    elif status == "ended":
        rows = [row for row in rows if row["status"] in over]
    elif status != "all":
        rows = [row for row in rows if row["status"] == status]
    if "customer" in call.params:
        rows = [row for row in rows if row["customer"] == call.params["customer"]]
    if "price" in call.params:
        rows = [row for row in rows if _has_price(row, call.params["price"])]
    return page(call.store, rows, call.params, url=call.path)


def subscription_update(call: Call) -> Object:
    subscription = call.store.get("subscription", call.id)
    params = call.params
    if "cancel_at_period_end" in params:
        if params["cancel_at_period_end"]:
            subscriptions.subscription_cancel_later(call.world, subscription)
        elif subscription["cancel_at"]:
            subscriptions.subscription_keep(call.world, subscription)
    if "cancel_at" in params:
        _cancel_at(call, subscription, params["cancel_at"])
    changes: dict[str, Any] = call.given("description")
    if "metadata" in params:
        changes["metadata"] = merged_metadata(subscription["metadata"], params["metadata"])
    if method_id := params.get("default_payment_method"):
        method = call.store.get("payment_method", method_id, param="default_payment_method")
        changes["default_payment_method"] = method["id"]
    if changes:
        call.world.change(subscription, "customer.subscription.updated", **changes)
    return subscription


def subscription_cancel(call: Call) -> Object:
    subscription = call.store.get("subscription", call.id)
    details = call.params.get("cancellation_details", {})
    subscription["cancellation_details"].update(details)
    return subscriptions.subscription_cancel_now(call.world, subscription)


def item_list(call: Call) -> Object:
    subscription = call.store.get("subscription", call.params["subscription"], param="subscription")
    return as_list(subscription["items"]["data"], url=call.path)


def item_get(call: Call) -> Object:
    for subscription in call.store.all("subscription"):
        for item in subscription["items"]["data"]:
            if item["id"] == call.id:
                return dict(item)
    raise InvalidRequest(
        f"No such subscription_item: '{call.id}'", code="resource_missing", status=404
    )


def invoice_list(call: Call) -> Object:
    rows = call.store.all("invoice")
    for name in ("customer", "status", "collection_method"):
        if name in call.params:
            rows = [row for row in rows if row[name] == call.params[name]]
    if wanted := call.params.get("subscription"):
        rows = [row for row in rows if invoices.subscription_id_of(row) == wanted]
    return page(call.store, rows, call.params, url=call.path)


def invoice_lines(call: Call) -> Object:
    lines = call.store.get("invoice", call.id)["lines"]["data"]
    return as_list(lines, url=call.path)


def invoice_pay(call: Call) -> Object:
    """Try now, with the given method or the customer's; a decline is a 402."""
    invoice = call.store.get("invoice", call.id)
    method = None
    if method_id := call.params.get("payment_method"):
        method = call.store.get("payment_method", method_id, param="payment_method")
    if invoices.invoice_collect(call.world, invoice, method, renewal=True) == "failed":
        intent = call.store.get("payment_intent", call.store.note(invoice["id"])["intent"])
        error = intent["last_payment_error"] or _NO_CARD
        raise CardError(error["message"], code=error["code"])
    return invoice


def invoice_payment_list(call: Call) -> Object:
    rows = call.store.all("invoice_payment")
    if "invoice" in call.params:
        rows = [row for row in rows if row["invoice"] == call.params["invoice"]]
    if "status" in call.params:
        rows = [row for row in rows if row["status"] == call.params["status"]]
    if wanted := call.params.get("payment"):
        intent_id = wanted.get("payment_intent")
        rows = [row for row in rows if row["payment"]["payment_intent"] == intent_id]
    return page(call.store, rows, call.params, url=call.path)


def portal_create(call: Call) -> Object:
    customer_id = call.params.get("customer")
    if not customer_id:
        raise InvalidRequest("Missing required param: customer.", param="customer")
    call.store.get("customer", customer_id, param="customer")
    session = billing.portal_session(
        customer_id=customer_id,
        return_url=call.params.get("return_url"),
        created=call.world.now(),
    )
    session["locale"] = call.params.get("locale")
    session["url"] = f"{call.world.url}/p/session/{session['id']}"
    return call.store.save(session)


def _cancel_at(call: Call, subscription: Object, at: Any) -> None:
    if at == "":
        subscriptions.subscription_keep(call.world, subscription)
    elif at in ("min_period_end", "max_period_end", subscriptions.period_end(subscription)):
        subscriptions.subscription_cancel_later(call.world, subscription, portal=True)
    else:
        raise InvalidRequest(
            "The Stripe emulator cancels at the end of the period only.", param="cancel_at"
        )


def _has_price(subscription: Object, price_id: str) -> bool:
    return any(item["price"]["id"] == price_id for item in subscription["items"]["data"])


def _payments(store: Store, invoice: Object) -> Object:
    rows = invoices.payments_of(store, invoice)
    return as_list(rows, url=f"/v1/invoice_payments?invoice={invoice['id']}")


INCLUDABLE[("invoice", "payments")] = _payments

_NO_CARD = {
    "message": "There is no `default_payment_method` set on this Customer or Invoice.",
    "code": "invoice_payment_intent_requires_action",
}
_NOT_NOW = ("items", "proration_behavior", "discounts", "trial_end", "pause_collection",
            "billing_cycle_anchor", "collection_method", "add_invoice_items")  # fmt: skip
_SUBSCRIPTIONS, _INVOICES = "/v1/subscriptions", "/v1/invoices"
ROUTES = [
    Route("GET", _SUBSCRIPTIONS, "SubscriptionListParams", subscription_list),
    Route("GET", _SUBSCRIPTIONS + "/{id}", "SubscriptionRetrieveParams", subscription_get),
    Route(
        "POST", _SUBSCRIPTIONS + "/{id}", "SubscriptionUpdateParams", subscription_update, _NOT_NOW
    ),
    Route(
        "DELETE", _SUBSCRIPTIONS + "/{id}", "SubscriptionCancelParams", subscription_cancel,
        ("prorate", "invoice_now"),
    ),
    Route("GET", "/v1/subscription_items", "SubscriptionItemListParams", item_list),
    Route("GET", "/v1/subscription_items/{id}", "SubscriptionItemRetrieveParams", item_get),
    Route("GET", _INVOICES, "InvoiceListParams", invoice_list),
    Route("GET", _INVOICES + "/{id}", "InvoiceRetrieveParams", getter("invoice")),
    Route("GET", _INVOICES + "/{id}/lines", "InvoiceListLinesParams", invoice_lines),
    Route("POST", _INVOICES + "/{id}/pay", "InvoicePayParams", invoice_pay),
    Route("GET", "/v1/invoice_payments", "InvoicePaymentListParams", invoice_payment_list),
    Route(
        "GET", "/v1/invoice_payments/{id}", "InvoicePaymentRetrieveParams",
        getter("invoice_payment"),
    ),
    Route(
        "POST", "/v1/billing_portal/sessions", "billing_portal.SessionCreateParams", portal_create,
        ("flow_data",),
    ),
]  # fmt: skip
