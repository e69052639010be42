"""Products and prices."""

from __future__ import annotations

from emulators.stripe.errors import InvalidRequest, NoSuch
from emulators.stripe.objects import catalogue
from emulators.stripe.store import Object, Store
from emulators.stripe.wire.answers import INCLUDABLE, page
from emulators.stripe.wire.call import Call, Route, merged_metadata

_PLAIN_OF_PRODUCT = ("active", "description", "name", "statement_descriptor", "tax_code",
                     "unit_label", "url", "images", "marketing_features")  # fmt: skip
_CURRENCY_LETTERS = 3


def product_create(call: Call) -> Object:
    wanted = call.params.get("id", "")
    if wanted and call.store.find(wanted):
        raise InvalidRequest("Product already exists.", code="resource_already_exists", param="id")
    product = catalogue.product(created=call.world.now(), product_id=wanted)
    _take_product(call, product)
    call.store.save(product)
    call.world.emit("product.created", product)
    if data := call.params.get("default_price_data"):
        product["default_price"] = _price(call, product, data)["id"]
        call.store.save(product)
    return product


def product_get(call: Call) -> Object:
    return call.store.get("product", call.id)


def product_update(call: Call) -> Object:
    product = call.store.get("product", call.id)
    before = dict(product)
    _take_product(call, product)
    if price_id := call.params.get("default_price"):
        product["default_price"] = call.store.get("price", price_id, param="default_price")["id"]
    product["updated"] = call.world.now()
    call.store.save(product)
    changed = {name: before[name] for name in before if before[name] != product[name]}
    call.world.emit("product.updated", product, changed)
    return product


def product_list(call: Call) -> Object:
    rows = call.store.all("product")
    if "active" in call.params:
        rows = [row for row in rows if row["active"] == call.params["active"]]
    if "ids" in call.params:
        rows = [row for row in rows if row["id"] in call.params["ids"]]
    return page(call.store, rows, call.params, url=call.path)


def product_features(call: Call) -> Object:
    """Entitlements are not emulated; dj-stripe asks, and takes a 404 for an answer."""
    call.store.get("product", call.id)
    raise NoSuch("product feature", call.id)


def price_create(call: Call) -> Object:
    params = call.params
    if "product_data" in params:
        product = catalogue.product(created=call.world.now())
        product["name"] = params["product_data"]["name"]
        product["metadata"] = merged_metadata({}, params["product_data"].get("metadata"))
        call.store.save(product)
        call.world.emit("product.created", product)
    elif "product" in params:
        product = call.store.get("product", params["product"], param="product")
    else:
        raise InvalidRequest(
            "You must specify either `product` or `product_data` when creating a price."
        )
    return _price(call, product, params)


def price_get(call: Call) -> Object:
    return call.store.get("price", call.id)


def price_update(call: Call) -> Object:
    price = call.store.get("price", call.id)
    before = dict(price)
    key = call.params.get("lookup_key")
    if key:
        _claim_lookup_key(call, key, price)
    price.update(call.given("active", "nickname", "lookup_key", "tax_behavior"))
    if "metadata" in call.params:
        price["metadata"] = merged_metadata(price["metadata"], call.params["metadata"])
    call.store.save(price)
    changed = {name: before[name] for name in before if before[name] != price[name]}
    call.world.emit("price.updated", price, changed)
    return price


def price_list(call: Call) -> Object:
    rows = call.store.all("price")
    for name in ("active", "currency", "product", "type"):
        if name in call.params:
            rows = [row for row in rows if row[name] == call.params[name]]
    if "lookup_keys" in call.params:
        rows = [row for row in rows if row["lookup_key"] in call.params["lookup_keys"]]
    if wanted := (call.params.get("recurring") or {}).get("interval"):
        rows = [row for row in rows if (row["recurring"] or {}).get("interval") == wanted]
    return page(call.store, rows, call.params, url=call.path)


def _take_product(call: Call, product: Object) -> None:
    product.update(call.given(*_PLAIN_OF_PRODUCT))
    if "metadata" in call.params:
        product["metadata"] = merged_metadata(product["metadata"], call.params["metadata"])


def _price(call: Call, product: Object, data: Object) -> Object:
    currency = data["currency"].lower()
    if len(currency) != _CURRENCY_LETTERS or not currency.isalpha():
        raise InvalidRequest(f"Invalid currency: {currency}", param="currency")
    amount = data.get("unit_amount")
    if amount is None:
        raise InvalidRequest(
            "The Stripe emulator makes prices with `unit_amount`, in minor units, only.",
            param="unit_amount",
        )
    if amount < 0:
        raise InvalidRequest("Invalid non-negative integer", param="unit_amount")
    price = catalogue.price(
        product_id=product["id"],
        currency=currency,
        unit_amount=amount,
        recurring=data.get("recurring"),
        created=call.world.now(),
    )
    price["metadata"] = merged_metadata({}, data.get("metadata"))
    for name in ("active", "nickname", "tax_behavior"):
        if name in data:
            price[name] = data[name]
    if key := data.get("lookup_key"):
        _claim_lookup_key(call, key, price)
        price["lookup_key"] = key
    call.store.save(price)
    call.world.emit("price.created", price)
    return price


def _claim_lookup_key(call: Call, key: str, price: Object) -> None:
    for other in call.store.all("price"):
        if other["lookup_key"] != key or other["id"] == price["id"]:
            continue
        if not call.params.get("transfer_lookup_key"):
            raise InvalidRequest(
                f"A price (`{other['id']}`) already uses that lookup key.", param="lookup_key"
            )
        other["lookup_key"] = None
        call.store.save(other)


def _currency_options(store: Store, price: Object) -> Object:
    names = ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")
    return {price["currency"]: {name: price[name] for name in names}}


def _no_tiers(store: Store, price: Object) -> None:
    return None


# dj-stripe asks for these whenever it mirrors a price.
INCLUDABLE[("price", "currency_options")] = _currency_options
INCLUDABLE[("price", "tiers")] = _no_tiers
_UNSUPPORTED = ("billing_scheme", "custom_unit_amount", "tiers", "tiers_mode", "currency_options",
                "transform_quantity", "unit_amount_decimal")  # fmt: skip
ROUTES = [
    Route("POST", "/v1/products", "ProductCreateParams", product_create),
    Route("GET", "/v1/products", "ProductListParams", product_list, ("shippable", "url")),
    Route("GET", "/v1/products/{id}", "ProductRetrieveParams", product_get),
    Route("POST", "/v1/products/{id}", "ProductUpdateParams", product_update),
    Route("GET", "/v1/products/{id}/features", "ProductListFeaturesParams", product_features),
    Route("POST", "/v1/prices", "PriceCreateParams", price_create, _UNSUPPORTED),
    Route("GET", "/v1/prices", "PriceListParams", price_list),
    Route("GET", "/v1/prices/{id}", "PriceRetrieveParams", price_get),
    Route("POST", "/v1/prices/{id}", "PriceUpdateParams", price_update, ("currency_options",)),
]
