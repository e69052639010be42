"""The account, customers, payment methods."""

from __future__ import annotations

from emulators.stripe import payments
from emulators.stripe.errors import InvalidRequest, NoSuch
from emulators.stripe.objects import people
from emulators.stripe.objects.people import ACCOUNT_ID
from emulators.stripe.store import Object, Store
from emulators.stripe.wire.answers import INCLUDABLE, as_list, page
from emulators.stripe.wire.call import Call, Route, merged_metadata

_PLAIN = ("address", "description", "email", "name", "phone", "shipping", "tax_exempt",
          "preferred_locales")  # fmt: skip


def account_get(call: Call) -> Object:
    """The account that the key belongs to."""
    if call.args.get("id", ACCOUNT_ID) != ACCOUNT_ID:
        raise NoSuch("account", call.id)
    return call.store.get("account", ACCOUNT_ID)


def customer_create(call: Call) -> Object:
    customer = people.customer(created=call.world.now())
    _take(call, customer)
    if method_id := call.params.get("payment_method"):
        _attach(call, method_id, customer)
    call.store.save(customer)
    call.world.emit("customer.created", customer)
    return customer


def customer_get(call: Call) -> Object:
    customer = call.store.get("customer", call.id)
    if customer.get("deleted"):
        return {"id": customer["id"], "object": "customer", "deleted": True}
    return customer


def customer_update(call: Call) -> Object:
    customer = _living(call)
    before = dict(customer)
    _take(call, customer)
    call.store.save(customer)
    changed = {name: before[name] for name in before if before[name] != customer[name]}
    if changed:
        call.world.emit("customer.updated", customer, changed)
    return customer


def customer_delete(call: Call) -> Object:
    customer = _living(call)
    customer["deleted"] = True
    call.store.save(customer)
    call.world.emit("customer.deleted", customer)
    return {"id": customer["id"], "object": "customer", "deleted": True}


def customer_list(call: Call) -> Object:
    rows = [row for row in call.store.all("customer") if not row.get("deleted")]
    if email := call.params.get("email"):
        rows = [row for row in rows if row["email"] == email]
    return page(call.store, rows, call.params, url=call.path)


def method_get(call: Call) -> Object:
    return call.store.get("payment_method", call.args.get("method_id") or call.id)


def method_list(call: Call) -> Object:
    customer_id = call.args.get("id") or call.params.get("customer")
    if customer_id is None:
        raise InvalidRequest("Missing required param: customer.", code="parameter_missing")
    call.store.get("customer", customer_id, param="id" if call.args else "customer")
    rows = [row for row in call.store.all("payment_method") if row["customer"] == customer_id]
    if kind := call.params.get("type"):
        rows = [row for row in rows if row["type"] == kind]
    return page(call.store, rows, call.params, url=call.path)


def method_attach(call: Call) -> Object:
    customer = call.store.get("customer", call.params["customer"], param="customer")
    return _attach(call, call.id, customer)


def method_detach(call: Call) -> Object:
    method = call.store.get("payment_method", call.id)
    return call.world.change(method, "payment_method.detached", customer=None)


def _living(call: Call) -> Object:
    customer = call.store.get("customer", call.id)
    if customer.get("deleted"):
        raise NoSuch("customer", call.id)
    return customer


def _take(call: Call, customer: Object) -> None:
    customer.update(call.given(*_PLAIN))
    if "metadata" in call.params:
        sent = call.params["metadata"]
        customer["metadata"] = merged_metadata(customer["metadata"], sent)
    for name, value in (call.params.get("invoice_settings") or {}).items():
        if name == "default_payment_method" and value:
            call.store.get("payment_method", value, param="invoice_settings")
        customer["invoice_settings"][name] = value or None


def _attach(call: Call, method_id: str, customer: Object) -> Object:
    number = _SPECIMENS.get(method_id)
    if number:  # https://docs.stripe.com/testing?testing-method=payment-methods
        return payments.method_create(
            call.world, number=number, customer_id=customer["id"], email=customer["email"]
        )
    method = call.store.get("payment_method", method_id, param="payment_method")
    return call.world.change(method, "payment_method.attached", customer=customer["id"])


_SPECIMENS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_createDispute": "4000000000000259",
}


def _sources(store: Store, customer: Object) -> Object:
    return as_list([], url=f"/v1/customers/{customer['id']}/sources")


def _subscriptions(store: Store, customer: Object) -> Object:
    rows = [
        row
        for row in store.all("subscription")
        if row["customer"] == customer["id"] and row["status"] != "canceled"
    ]
    return as_list(reversed(rows), url=f"/v1/customers/{customer['id']}/subscriptions")


def _tax_ids(store: Store, customer: Object) -> Object:
    return as_list([], url=f"/v1/customers/{customer['id']}/tax_ids")


INCLUDABLE[("customer", "sources")] = _sources
INCLUDABLE[("customer", "subscriptions")] = _subscriptions
INCLUDABLE[("customer", "tax_ids")] = _tax_ids

_UNSUPPORTED = ("source", "test_clock", "tax_id_data", "balance", "cash_balance", "coupon")
ROUTES = [
    Route("GET", "/v1/account", "AccountRetrieveCurrentParams", account_get),
    Route("GET", "/v1/accounts/{id}", "AccountRetrieveParams", account_get),
    Route("POST", "/v1/customers", "CustomerCreateParams", customer_create, _UNSUPPORTED),
    Route("GET", "/v1/customers", "CustomerListParams", customer_list, ("test_clock",)),
    Route("GET", "/v1/customers/{id}", "CustomerRetrieveParams", customer_get),
    Route("POST", "/v1/customers/{id}", "CustomerUpdateParams", customer_update, _UNSUPPORTED),
    Route("DELETE", "/v1/customers/{id}", "CustomerDeleteParams", customer_delete),
    Route(
        "GET", "/v1/customers/{id}/payment_methods", "CustomerListPaymentMethodsParams", method_list
    ),
    Route(
        "GET", "/v1/customers/{id}/payment_methods/{method_id}",
        "CustomerRetrievePaymentMethodParams", method_get,
    ),
    Route("GET", "/v1/payment_methods", "PaymentMethodListParams", method_list),
    Route("GET", "/v1/payment_methods/{id}", "PaymentMethodRetrieveParams", method_get),
    Route("POST", "/v1/payment_methods/{id}/attach", "PaymentMethodAttachParams", method_attach),
    Route("POST", "/v1/payment_methods/{id}/detach", "PaymentMethodDetachParams", method_detach),
]  # fmt: skip
