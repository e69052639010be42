"""The wire: keys, versions, forms, unknown parameters, pages, expansion, idempotency, faults."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
import requests
import stripe
from hypothesis import given
from hypothesis import strategies as st
from stripe._encode import _api_encode

from emulators.stripe.testing import StripeControl
from emulators.stripe.wire import forms
from tests.emulators.stripe.shop import Shop

LEAVES = st.text(max_size=20)
NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)
TREES = st.dictionaries(
    NAMES,
    st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3)
            | st.dictionaries(NAMES, inner, min_size=1, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


@given(TREES)
def test_what_stripes_client_encodes_is_decoded(tree: dict[str, Any]) -> None:
    body = requests.models.RequestEncodingMixin._encode_params(  # type: ignore[attr-defined]
        list(_api_encode(tree))
    )
    if _depth(tree) <= 7:
        assert forms.decode(body) == tree


def _depth(tree: object) -> int:
    inside = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return 1 + max(map(_depth, inside), default=0)


def test_a_parameter_that_stripe_does_not_know_is_refused_by_name(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.session(line_items=[{"prise": shop.package.id, "quantity": 1}])
    assert refusal.value.code == "parameter_unknown"
    assert refusal.value.param == "line_items[0][prise]"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "You did not provide an API key"),
        ("sk_live_" + "a" * 24, "test keys only"),
        ("whatever", "Invalid API Key provided: \\*+ever"),
    ],
)
def test_a_wrong_key_is_401(emulated: StripeControl, key: str, words: str) -> None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = requests.get(f"{emulated.url}/v1/account", headers=headers, timeout=30)
    assert answer.status_code == 401
    assert re.search(words, answer.json()["error"]["message"])


def test_another_major_version_is_refused(emulated: StripeControl) -> None:
    client = stripe.StripeClient(
        emulated.secret_key,
        base_addresses={"api": emulated.url},
        stripe_version="2024-06-20",
    )
    with pytest.raises(stripe.InvalidRequestError, match="Invalid Stripe API version: 2024-06-20"):
        client.v1.customers.list()


def test_what_is_not_there_is_told_apart(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        shop.client.v1.customers.retrieve("cus_none")
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")
    answer = requests.get(
        f"{shop.emulated.url}/v1/nothing",
        headers={"Authorization": f"Bearer {shop.emulated.secret_key}"},
        timeout=30,
    )
    assert answer.status_code == 404
    assert "Unrecognized request URL (GET: /v1/nothing)" in answer.json()["error"]["message"]


def test_pages_hold_every_row_once_newest_first(shop: Shop) -> None:
    made = [shop.client.v1.customers.create({"name": str(number)}).id for number in range(25)]
    seen = [row.id for row in shop.client.v1.customers.list({"limit": 7}).auto_paging_iter()]
    assert seen == [*reversed(made), shop.customer.id]
    back = shop.client.v1.customers.list({"limit": 3, "ending_before": made[0]})
    assert [row.id for row in back.data] == [made[3], made[2], made[1]]
    assert back.has_more


def test_lists_are_filtered_by_when_things_were_made(shop: Shop) -> None:
    start = shop.emulated.now()
    shop.emulated.advance(days=2)
    late = shop.client.v1.customers.create({})
    rows = shop.client.v1.customers.list({"created": {"gte": start + 86_400}}).data
    assert [row.id for row in rows] == [late.id]
    assert shop.client.v1.customers.list({"created": {"gt": late.created}}).data == []
    with pytest.raises(stripe.InvalidRequestError, match="between 1 and 100"):
        shop.client.v1.customers.list({"limit": 101})


def test_what_can_not_be_expanded_is_refused(shop: Shop) -> None:
    for path in ("nonsense", "amount_total.x", "customer.email"):
        with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
            shop.read(shop.session().id, path)


def test_a_key_replays_the_answer_and_refuses_another_request(shop: Shop) -> None:
    customers, key = shop.client.v1.customers, {"idempotency_key": "order-1"}
    first = customers.create({"email": "a@example.com"}, key)  # type: ignore[arg-type]
    again = customers.create({"email": "a@example.com"}, key)  # type: ignore[arg-type]
    assert again.id == first.id
    assert again.last_response is not None
    assert again.last_response.headers["idempotent-replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        customers.create({"email": "b@example.com"}, key)  # type: ignore[arg-type]
    assert len(customers.list().data) == 2
    shop.emulated.advance(days=1.1)
    assert customers.create({"email": "b@example.com"}, key).id != first.id  # type: ignore[arg-type]


def test_a_refused_parameter_does_not_use_the_key_up(shop: Shop) -> None:
    customers, key = shop.client.v1.customers, {"idempotency_key": "k"}
    with pytest.raises(stripe.InvalidRequestError):
        customers.create({"bogus": "1"}, key)  # type: ignore[arg-type]
    assert customers.create({"name": "x"}, key).name == "x"  # type: ignore[arg-type]


def test_parallel_requests_with_one_key_make_one_object(shop: Shop) -> None:
    made = []
    barrier = threading.Barrier(8)

    def create() -> None:
        barrier.wait()
        options: Any = {"idempotency_key": "same"}
        made.append(shop.client.v1.customers.create({"name": "x"}, options).id)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1


def test_an_answer_can_be_lost_after_the_work_was_done(shop: Shop) -> None:
    shop.emulated.fault(method="POST", path="/v1/customers", after=True)
    key: Any = {"idempotency_key": "lost"}
    with pytest.raises(stripe.APIConnectionError):
        shop.client.v1.customers.create({"name": "once"}, key)
    found = shop.client.v1.customers.create({"name": "once"}, key)
    names = [row.name for row in shop.client.v1.customers.list().data]
    assert (found.name, names.count("once")) == ("once", 1)


@pytest.mark.parametrize(
    ("status", "error"), [(500, stripe.APIError), (429, stripe.RateLimitError)]
)
def test_stripe_can_be_made_to_fail(
    shop: Shop, status: int, error: type[stripe.StripeError]
) -> None:
    shop.emulated.fault(status=status, times=2)
    for _ in range(2):
        with pytest.raises(error):
            shop.client.v1.customers.list()
    assert shop.client.v1.customers.list().data


def test_a_lookup_key_belongs_to_one_price(shop: Shop) -> None:
    prices = shop.client.v1.prices
    body: Any = {
        "product": shop.product.id, "currency": "usd", "unit_amount": 700, "lookup_key": "tokens",
    }  # fmt: skip
    first = prices.create(body)
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        prices.create(body)
    second = prices.create(body | {"transfer_lookup_key": True})
    assert [row.id for row in prices.list({"lookup_keys": ["tokens"]}).data] == [second.id]
    assert prices.retrieve(first.id).lookup_key is None


def test_metadata_is_merged_and_unset_as_stripe_does(shop: Shop) -> None:
    customers = shop.client.v1.customers
    made = customers.create({"metadata": {"a": "1", "b": "2"}})
    merged = customers.update(made.id, {"metadata": {"b": "", "c": "3"}})
    assert merged.metadata is not None
    assert merged.metadata.to_dict() == {"a": "1", "c": "3"}
    emptied = customers.update(made.id, {"metadata": ""})
    assert emptied.metadata is not None
    assert emptied.metadata.to_dict() == {}


@given(st.binary(max_size=200), st.sampled_from(["customers", "checkout/sessions", "prices"]))
def test_no_body_is_a_500(running_stripe: StripeControl, body: bytes, path: str) -> None:
    answer = requests.post(
        f"{running_stripe.url}/v1/{path}",
        data=body,
        headers={"Authorization": f"Bearer {running_stripe.secret_key}"},
        timeout=30,
    )
    assert answer.status_code in (200, 400)
