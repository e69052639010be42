"""Checkout sessions."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from emulators.stripe import sessions
from emulators.stripe.errors import InvalidRequest
from emulators.stripe.objects import checkout
from emulators.stripe.store import Object, Store
from emulators.stripe.wire.answers import INCLUDABLE, as_list, page
from emulators.stripe.wire.call import Call, Route, merged_metadata

HALF_HOUR_SECONDS: Final = 1_800
DAY_SECONDS: Final = 86_400
# Stripe takes no less than this in US dollars: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
SMALLEST_CENTS: Final = 50
_PLAIN = ("client_reference_id", "customer_creation", "locale", "submit_type",
          "billing_address_collection", "allow_promotion_codes", "cancel_url", "success_url",
          "saved_payment_method_options")  # fmt: skip


def session_create(call: Call) -> Object:
    params = call.params
    mode = params.get("mode")
    if mode not in ("payment", "subscription"):
        raise InvalidRequest(
            "The Stripe emulator has the modes `payment` and `subscription`.", param="mode"
        )
    _check_urls(params)
    if params.get("automatic_tax", {}).get("enabled"):
        raise InvalidRequest("The Stripe emulator knows no taxes.", param="automatic_tax")
    lines = [_line(call, number, line) for number, line in enumerate(params.get("line_items", []))]
    total = _check_lines(mode, lines)
    now = call.world.now()
    session = checkout.session(mode=mode, currency=lines[0]["currency"], total=total, created=now)
    session.update(call.given(*_PLAIN))
    session["metadata"] = merged_metadata({}, params.get("metadata"))
    session["url"] = f"{call.world.url}/c/pay/{session['id']}"
    session["expires_at"] = _expiry(params, now)
    _set_customer(call, session)
    _set_invoice_creation(params, session)
    note = call.store.note(session["id"])
    note["lines"] = lines
    for name in ("payment_intent_data", "subscription_data"):
        note[name] = params.get(name, {})
    call.store.save(session)
    call.world.schedule("expire_session", session, session["expires_at"])
    return session


def session_get(call: Call) -> Object:
    return call.store.get("checkout.session", call.id)


def session_list(call: Call) -> Object:
    rows = call.store.all("checkout.session")
    for name in ("customer", "payment_intent", "subscription", "status"):
        if name in call.params:
            rows = [row for row in rows if row[name] == call.params[name]]
    if email := (call.params.get("customer_details") or {}).get("email"):
        rows = [row for row in rows if (row["customer_details"] or {}).get("email") == email]
    return page(call.store, rows, call.params, url=call.path)


def session_update(call: Call) -> Object:
    session = call.store.get("checkout.session", call.id)
    sent = call.params.get("metadata")
    session["metadata"] = merged_metadata(session["metadata"], sent)
    return call.store.save(session)


def session_expire(call: Call) -> Object:
    return sessions.session_expire(call.world, call.store.get("checkout.session", call.id))


def session_lines(call: Call) -> Object:
    call.store.get("checkout.session", call.id)
    lines = call.store.note(call.id)["lines"]
    limit = call.params.get("limit", 10)
    return as_list(lines[:limit], url=call.path, has_more=len(lines) > limit)


def _line(call: Call, number: int, asked: dict[str, Any]) -> Object:
    if "price" not in asked:
        raise InvalidRequest(
            "The Stripe emulator sells by `price`, not by `price_data`.",
            param=f"line_items[{number}][price]",
        )
    price = call.store.get("price", asked["price"], param=f"line_items[{number}][price]")
    if not price["active"]:
        raise InvalidRequest(
            "The price specified is inactive. This field only accepts active prices.",
            param=f"line_items[{number}][price]",
        )
    quantity = asked.get("quantity")
    if not quantity or quantity < 1:
        raise InvalidRequest("Quantity is required.", param=f"line_items[{number}][quantity]")
    name = call.store.get("product", price["product"])["name"]
    return checkout.line_item(price=price, quantity=quantity, description=name)


def _check_lines(mode: str, lines: list[Object]) -> int:
    if not lines:
        raise InvalidRequest("Missing required param: line_items.", param="line_items")
    kinds = {line["price"]["type"] for line in lines}
    if mode == "payment" and "recurring" in kinds:
        raise InvalidRequest(
            "You specified `payment` mode but passed a recurring price. Either switch to "
            "`subscription` mode or use only one-time prices.",
            param="mode",
        )
    if mode == "subscription" and kinds != {"recurring"}:
        raise InvalidRequest(
            "The Stripe emulator takes recurring prices only in `subscription` mode.", param="mode"
        )
    if len({line["currency"] for line in lines}) > 1:
        raise InvalidRequest("All prices must be in one currency.", param="line_items")
    total: int = sum(line["amount_total"] for line in lines)
    if total < SMALLEST_CENTS:
        raise InvalidRequest(
            "The Checkout Session's total amount due must add up to at least $0.50 usd",
            code="amount_too_small",
        )
    return total


def _check_urls(params: dict[str, Any]) -> None:
    if not params.get("success_url"):
        raise InvalidRequest("Missing required param: success_url.", param="success_url")
    for name in ("success_url", "cancel_url"):
        parts = urlsplit(params.get(name, "https://example.com"))
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise InvalidRequest("Not a valid URL", code="url_invalid", param=name)


def _expiry(params: dict[str, Any], now: int) -> int:
    at = int(params.get("expires_at", now + DAY_SECONDS))
    if not now + HALF_HOUR_SECONDS <= at <= now + DAY_SECONDS:
        raise InvalidRequest(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout "
            "Session creation.",
            param="expires_at",
        )
    return at


def _set_customer(call: Call, session: Object) -> None:
    if customer_id := call.params.get("customer"):
        customer = call.store.get("customer", customer_id, param="customer")
        if customer.get("deleted"):
            raise InvalidRequest(f"No such customer: '{customer_id}'", param="customer")
        session.update(customer=customer_id, customer_creation=None)
    elif email := call.params.get("customer_email"):
        session["customer_email"] = email
    if session["mode"] == "subscription" and "customer_creation" in call.params:
        raise InvalidRequest(
            "`customer_creation` can only be used in `payment` mode.", param="customer_creation"
        )


def _set_invoice_creation(params: dict[str, Any], session: Object) -> None:
    asked = params.get("invoice_creation")
    if asked is None:
        return
    if session["mode"] != "payment":
        raise InvalidRequest("`invoice_creation` is for `payment` mode.", param="invoice_creation")
    session["invoice_creation"]["enabled"] = asked["enabled"]
    session["invoice_creation"]["invoice_data"].update(asked.get("invoice_data", {}))


def _line_items(store: Store, session: Object) -> Object:
    lines = store.note(session["id"])["lines"]
    return as_list(lines, url=f"/v1/checkout/sessions/{session['id']}/line_items")


def _breakdown(store: Store, details: Object) -> Object:
    return {"discounts": [], "taxes": []}


def _no_discounts(store: Store, line: Object) -> list[Object]:
    return []


INCLUDABLE[("checkout.session", "line_items")] = _line_items
# dj-stripe asks for these whenever it mirrors a session.
INCLUDABLE[("item", "discounts")] = _no_discounts
INCLUDABLE[("None", "breakdown")] = _breakdown

_UNSUPPORTED = ("discounts", "optional_items", "shipping_options", "currency", "custom_fields",
                "shipping_address_collection", "after_expiration", "setup_intent_data",
                "managed_payments")  # fmt: skip
_PARAMS = "checkout.Session"
ROUTES = [
    Route("POST", "/v1/checkout/sessions", f"{_PARAMS}CreateParams", session_create, _UNSUPPORTED),
    Route("GET", "/v1/checkout/sessions", f"{_PARAMS}ListParams", session_list, ("payment_link",)),
    Route("GET", "/v1/checkout/sessions/{id}", f"{_PARAMS}RetrieveParams", session_get),
    Route("POST", "/v1/checkout/sessions/{id}", f"{_PARAMS}UpdateParams", session_update),
    Route("POST", "/v1/checkout/sessions/{id}/expire", f"{_PARAMS}ExpireParams", session_expire),
    Route(
        "GET", "/v1/checkout/sessions/{id}/line_items", f"{_PARAMS}ListLineItemsParams",
        session_lines,
    ),
]  # fmt: skip
