"""Payment intents, charges, refunds, disputes, the balance."""

from __future__ import annotations

from emulators.stripe import payments
from emulators.stripe.errors import InvalidRequest
from emulators.stripe.store import Object, Store
from emulators.stripe.wire.answers import INCLUDABLE, as_list, page
from emulators.stripe.wire.call import Call, Handler, Route, merged_metadata


def getter(kind: str) -> Handler:
    """Answers with the object of that kind."""

    def get(call: Call) -> Object:
        return call.store.get(kind, call.id)

    return get


def lister(kind: str, *filters: str) -> Handler:
    """Answers with a page of that kind; the filters are fields of the same name."""

    def list_(call: Call) -> Object:
        rows = call.store.all(kind)
        for name in filters:
            if name in call.params:
                rows = [row for row in rows if row[name] == call.params[name]]
        return page(call.store, rows, call.params, url=call.path)

    return list_


def metadata_updater(kind: str, event: str, *fields: str) -> Handler:
    """Takes metadata and the named plain fields."""

    def update(call: Call) -> Object:
        thing = call.store.get(kind, call.id)
        changes = call.given(*fields)
        if "metadata" in call.params:
            changes["metadata"] = merged_metadata(thing["metadata"], call.params["metadata"])
        return call.world.change(thing, event, **changes)

    return update


def refund_create(call: Call) -> Object:
    params = call.params
    if "charge" in params:
        charge = call.store.get("charge", params["charge"], param="charge")
    elif "payment_intent" in params:
        intent = call.store.get("payment_intent", params["payment_intent"], param="payment_intent")
        if not intent["latest_charge"]:
            raise InvalidRequest("This PaymentIntent does not have a successful charge to refund.")
        charge = call.store.get("charge", intent["latest_charge"])
    else:
        raise InvalidRequest("One of the following params should be provided: `payment_intent` "
                             "or `charge`.")  # fmt: skip
    return payments.refund_create(
        call.world,
        charge,
        amount=params.get("amount"),
        reason=params.get("reason"),
        metadata=merged_metadata({}, params.get("metadata")),
    )


def charge_refunds(call: Call) -> Object:
    call.store.get("charge", call.id)
    rows = [row for row in call.store.all("refund") if row["charge"] == call.id]
    return page(call.store, rows, call.params, url=call.path)


def dispute_update(call: Call) -> Object:
    """Evidence of `winning_evidence` or `losing_evidence` decides, as with Stripe's test cards."""
    dispute = call.store.get("dispute", call.id)
    evidence = call.params.get("evidence", {})
    dispute["evidence"].update(evidence)
    if "metadata" in call.params:
        dispute["metadata"] = merged_metadata(dispute["metadata"], call.params["metadata"])
    if evidence:
        dispute["evidence_details"]["has_evidence"] = True
    call.store.save(dispute)
    call.world.emit("charge.dispute.updated", dispute)
    words = evidence.get("uncategorized_text")
    if words in ("winning_evidence", "losing_evidence"):
        payments.dispute_close(call.world, dispute, won=words == "winning_evidence")
    return dispute


def dispute_close(call: Call) -> Object:
    """To close a dispute is to accept it as lost."""
    dispute = call.store.get("dispute", call.id)
    return payments.dispute_close(call.world, dispute, won=False)


def _refunds(store: Store, charge: Object) -> Object:
    rows = [row for row in store.all("refund") if row["charge"] == charge["id"]]
    return as_list(reversed(rows), url=f"/v1/charges/{charge['id']}/refunds")


INCLUDABLE[("charge", "refunds")] = _refunds

_INTENTS, _CHARGES, _REFUNDS = "/v1/payment_intents", "/v1/charges", "/v1/refunds"
_DISPUTES, _BALANCE = "/v1/disputes", "/v1/balance_transactions"
ROUTES = [
    Route("GET", _INTENTS, "PaymentIntentListParams", lister("payment_intent", "customer")),
    Route("GET", _INTENTS + "/{id}", "PaymentIntentRetrieveParams", getter("payment_intent")),
    Route("GET", _CHARGES, "ChargeListParams", lister("charge", "customer", "payment_intent")),
    Route("GET", _CHARGES + "/{id}", "ChargeRetrieveParams", getter("charge")),
    Route(
        "POST", _CHARGES + "/{id}", "ChargeUpdateParams",
        metadata_updater("charge", "charge.updated", "description", "receipt_email"),
    ),
    Route("GET", _CHARGES + "/{id}/refunds", "ChargeListRefundsParams", charge_refunds),
    Route("POST", _REFUNDS, "RefundCreateParams", refund_create),
    Route("GET", _REFUNDS, "RefundListParams", lister("refund", "charge", "payment_intent")),
    Route("GET", _REFUNDS + "/{id}", "RefundRetrieveParams", getter("refund")),
    Route(
        "POST", _REFUNDS + "/{id}", "RefundUpdateParams",
        metadata_updater("refund", "refund.updated"),
    ),
    Route("GET", _DISPUTES, "DisputeListParams", lister("dispute", "charge", "payment_intent")),
    Route("GET", _DISPUTES + "/{id}", "DisputeRetrieveParams", getter("dispute")),
    Route("POST", _DISPUTES + "/{id}", "DisputeUpdateParams", dispute_update),
    Route("POST", _DISPUTES + "/{id}/close", "DisputeCloseParams", dispute_close),
    Route(
        "GET", _BALANCE, "BalanceTransactionListParams",
        lister("balance_transaction", "source", "type", "currency"),
    ),
    Route(
        "GET", _BALANCE + "/{id}", "BalanceTransactionRetrieveParams",
        getter("balance_transaction"),
    ),
]  # fmt: skip
