"""The webhook door: what is not Stripe's word for this endpoint is refused and leaves nothing."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import stripe
from django.test import Client
from djstripe.models import Event, WebhookEndpoint, WebhookEventTrigger
from pytest_django.fixtures import Settings

from billing.models import Order, WebhookReceipt
from billing.services.stripe_endpoint import endpoint_of
from emulators.stripe.testing import SignedEvent, StripeControl
from tests.billing.stripe.conftest import Door

pytestmark = pytest.mark.django_db
Ordering = Callable[..., Order]
Traces = Callable[[], dict[str, int]]
# Letters that end up in no key: a wrong secret.
OTHER_SECRET = f"whsec_{'a' * 32}"


def signature(body: str, secret: str, *, age_seconds: int = 0) -> str:
    """As https://docs.stripe.com/webhooks/signature says, by Stripe's own library."""
    stamp = int(time.time()) - age_seconds
    signed = stripe.WebhookSignature._compute_signature(f"{stamp}.{body}", secret)
    return f"t={stamp},v1={signed}"


def stored() -> tuple[int, int, int]:
    return (
        WebhookEventTrigger.objects.count(),
        Event.objects.count(),
        WebhookReceipt.objects.count(),
    )


@pytest.fixture
def paid(shop: StripeControl, order: Ordering) -> Order:
    placed = order()
    shop.pay(placed.checkout_url)
    return placed


@pytest.fixture
def event(shop: StripeControl, paid: Order) -> SignedEvent:
    """The signed word that the checkout is completed."""
    return shop.signed(shop.events("checkout.session.completed")[0]["id"])


@pytest.fixture
def secret(shop: StripeControl) -> str:
    return shop.webhook_secret


def test_a_genuine_webhook_is_recorded_and_its_work_grants(
    door: Door, event: SignedEvent, paid: Order, purchased: Callable[[], list[int]]
) -> None:
    assert door.deliver(event) == 200
    receipt = WebhookReceipt.objects.get()
    assert (receipt.event_id, receipt.event_type) == (event.id, "checkout.session.completed")
    assert receipt.object_type == "checkout.session"
    assert receipt.object_id == paid.checkout_session_id
    # The receiver only wrote it down.
    assert purchased() == []
    assert door.work_off() == [True]
    assert purchased() == [450_000]


def test_a_webhook_that_comes_again_is_one_receipt(
    door: Door, event: SignedEvent, purchased: Callable[[], list[int]]
) -> None:
    assert [door.deliver(event) for _ in range(3)] == [200, 200, 200]
    assert WebhookReceipt.objects.count() == 1
    door.work_off()
    assert door.deliver(event) == 200
    assert door.work_off() == []
    assert purchased() == [450_000]


def test_every_event_of_a_purchase_and_a_subscription_is_taken(
    shop: StripeControl, order: Ordering, deliver_all: Callable[..., list[int]], alerts: Any
) -> None:
    for slug in ("tokens_200k", "premium_monthly"):
        shop.pay(order(slug, slug).checkout_url)
    shop.refund(shop.events("charge.succeeded")[0]["data"]["object"]["id"])
    dispute = shop.dispute(shop.events("charge.succeeded")[1]["data"]["object"]["id"])
    shop.resolve_dispute(dispute["id"], "won")
    statuses = deliver_all()
    assert len(statuses) > 15
    assert set(statuses) == {200}
    assert not WebhookReceipt.objects.filter(handled_at=None).exists()
    assert alerts() == []


def test_what_nobody_acts_on_is_mirrored_without_a_receipt(
    shop: StripeControl, door: Door, paid: Order
) -> None:
    created = shop.signed(shop.events("payment_intent.created")[0]["id"])
    assert door.deliver(created) == 200
    assert not WebhookReceipt.objects.exists()


# --- Forged, stale, altered, oversized, wrong endpoint -----------------------------------------


def forged(event: SignedEvent, secret: str) -> dict[str, tuple[str, dict[str, str]]]:
    body = event.body.decode()
    good = signature(body, secret)
    stamp, _, value = good.partition(",v1=")
    return {
        "no signature": (body, {}),
        "empty signature": (body, {"HTTP_STRIPE_SIGNATURE": ""}),
        "another secret": (body, {"HTTP_STRIPE_SIGNATURE": signature(body, OTHER_SECRET)}),
        "an empty secret": (body, {"HTTP_STRIPE_SIGNATURE": signature(body, "")}),
        "stale": (body, {"HTTP_STRIPE_SIGNATURE": signature(body, secret, age_seconds=301)}),
        "one byte changed": (body.replace("1", "2", 1), {"HTTP_STRIPE_SIGNATURE": good}),
        "one byte more": (f"{body} ", {"HTTP_STRIPE_SIGNATURE": good}),
        "a later time": (body, {"HTTP_STRIPE_SIGNATURE": f"t={int(stamp[2:]) + 1},v1={value}"}),
        "another scheme": (body, {"HTTP_STRIPE_SIGNATURE": good.replace("v1=", "v0=")}),
        "no time": (body, {"HTTP_STRIPE_SIGNATURE": f"v1={value}"}),
        "not ASCII": (body, {"HTTP_STRIPE_SIGNATURE": f"{stamp},v1=\xe9{value}"}),
        "a secret in a header": (
            body,
            {
                "HTTP_STRIPE_SIGNATURE": signature(body, OTHER_SECRET),
                "HTTP_X_DJSTRIPE_WEBHOOK_SECRET": OTHER_SECRET,
            },
        ),
    }


@pytest.mark.parametrize("debug", [True, False])
def test_a_forged_webhook_is_refused_and_leaves_nothing(
    door: Door, event: SignedEvent, secret: str, traces: Traces, settings: Settings, debug: bool
) -> None:
    settings.DEBUG = debug
    before = traces()
    answers = {
        name: door.post(body, **headers) for name, (body, headers) in forged(event, secret).items()
    }
    assert answers == dict.fromkeys(answers, 400)
    assert (stored(), traces()) == ((0, 0, 0), before)
    # The control: with the right signature it goes through.
    assert door.deliver(event) == 200


def test_a_secret_in_a_header_does_not_disturb_a_genuine_one(
    door: Door, event: SignedEvent, settings: Settings
) -> None:
    settings.DEBUG = True
    headers = event.django_headers | {"HTTP_X_DJSTRIPE_WEBHOOK_SECRET": OTHER_SECRET}
    assert door.post(event.body, **headers) == 200


@pytest.mark.parametrize("extra_bytes", [0, 1, 800_000, 3_000_000])
def test_a_body_above_the_cap_is_refused_unread(
    door: Door, event: SignedEvent, secret: str, settings: Settings, extra_bytes: int
) -> None:
    padding = settings.STRIPE_WEBHOOK_MAX_BYTES - len(event.body) + extra_bytes
    body = event.body.decode() + " " * padding
    status = door.post(body, HTTP_STRIPE_SIGNATURE=signature(body, secret))
    assert status == (413 if extra_bytes else 200)
    assert stored()[0] == (0 if extra_bytes else 1)


def test_a_refusal_is_a_problem_in_json(door: Door, event: SignedEvent) -> None:
    answer = door.client.post(door.path, event.body, content_type="application/json")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_webhook"
    too_big = door.client.post(door.path, b"x" * 300_000, content_type="application/json")
    assert (too_big.status_code, too_big.json()["code"]) == (413, "too_large")


def test_the_secret_of_another_endpoint_does_not_open_this_one(
    door: Door, event: SignedEvent
) -> None:
    other = WebhookEndpoint.objects.create(
        id="we_other",
        url="https://other.example.com/",
        secret=OTHER_SECRET,
        enabled_events=["*"],
        status="enabled",
        livemode=False,
        djstripe_uuid=uuid4(),
    )
    body = event.body.decode()
    path = f"/stripe/webhook/{other.djstripe_uuid}/"
    elsewhere = Door(door.client, path)
    assert elsewhere.deliver(event) == 400
    assert door.post(body, HTTP_STRIPE_SIGNATURE=signature(body, OTHER_SECRET)) == 400
    assert stored() == (0, 0, 0)


def test_an_endpoint_that_is_none_is_not_found(door: Door, event: SignedEvent) -> None:
    assert Door(door.client, f"/stripe/webhook/{uuid4()}/").deliver(event) == 404
    assert Door(door.client, "/stripe/webhook/17/").deliver(event) == 404
    assert stored() == (0, 0, 0)


def test_other_methods_are_refused(door: Door) -> None:
    for method in ("get", "head", "put", "patch", "delete", "options"):
        assert getattr(door.client, method)(door.path).status_code == 405


def test_a_live_event_at_a_test_endpoint_is_refused(
    door: Door, event: SignedEvent, secret: str, traces: Traces
) -> None:
    before = traces()
    live = json.loads(event.body) | {"livemode": True}
    live["data"]["object"]["livemode"] = True
    body = json.dumps(live)
    assert door.post(body, HTTP_STRIPE_SIGNATURE=signature(body, secret)) == 400
    assert (stored(), traces()) == ((0, 0, 0), before)


def test_an_endpoint_of_the_other_mode_is_not_there(
    door: Door, event: SignedEvent, settings: Settings
) -> None:
    settings.STRIPE_LIVE_MODE = True
    assert door.deliver(event) == 404
    assert stored() == (0, 0, 0)


def test_an_endpoint_without_a_secret_lets_nothing_in(door: Door, event: SignedEvent) -> None:
    endpoint = endpoint_of()
    assert endpoint is not None
    endpoint.secret = ""
    endpoint.save()
    body = event.body.decode()
    assert door.deliver(event) == 400
    assert door.post(body, HTTP_STRIPE_SIGNATURE=signature(body, "")) == 400


def test_an_address_that_is_none_does_not_disturb(door: Door, event: SignedEvent) -> None:
    headers = event.django_headers | {"HTTP_X_FORWARDED_FOR": "somewhere, 10.0.0.1"}
    assert door.post(event.body, **headers) == 200
    assert WebhookEventTrigger.objects.get().remote_ip == "127.0.0.1"


def test_stripe_being_away_asks_for_it_again_and_keeps_the_receipt(
    shop: StripeControl, door: Door, event: SignedEvent, purchased: Callable[[], list[int]]
) -> None:
    shop.fault(method="GET", status=503, times=50)
    headers: dict[str, Any] = event.django_headers
    answer = door.client.post(door.path, event.body, content_type="application/json", **headers)
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    shop.clear_faults()
    assert door.work_off() == [True]
    assert purchased() == [450_000]
    assert door.deliver(event) == 200
    assert door.work_off() == []


# --- Fuzzed ------------------------------------------------------------------------------------

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e308,
    2**63,
    "",
    "x" * 400,
    "\u0000",
    "\ud800",
    "💥",
    [],
    {},
    [[]],
    {"id": None},
    float("nan"),
    "../../etc",
    "evt_1'; DROP TABLE",
)


def mangled(event: dict[str, Any], rng: random.Random) -> str:
    """The event with one of its members away, or of another kind, or not JSON at all."""
    copy = json.loads(json.dumps(event))
    kind = rng.randrange(8)
    if kind == 0:
        text = json.dumps(copy)
        return text[: rng.randrange(len(text))]
    if kind == 1:
        return rng.choice(["null", "[]", "7", '"evt"', "{}", "", "nonsense", "[" * 3000, "NaN"])
    if kind == 2:
        return "[" * 500 + json.dumps(copy) + "]" * 500
    target = copy
    names = ["id", "object", "type", "livemode", "data", "api_version", "created"]
    if kind in (3, 4):
        target = copy["data"]["object"]
        names = ["id", "object"]
    elif kind == 5:
        target, names = copy["data"], ["object"]
    name = rng.choice(names)
    if rng.random() < 0.3:
        target.pop(name, None)
    else:
        choices = [odd for odd in ODD if not (name == "created" and odd in (0, -1, 2**63))]
        target[name] = rng.choice(choices)
        if name == "livemode":
            target[name] = rng.choice([None, 1, "false", [], True])
        if name == "api_version":
            target[name] = rng.choice([None, 7, [], {}])
    return json.dumps(copy)


def test_a_thousand_fuzzed_webhooks_change_nothing_and_break_nothing(
    shop: StripeControl, door: Door, event: SignedEvent, secret: str, traces: Traces
) -> None:
    """700 are really signed, 300 have something wrong with the signature."""
    rng = random.Random(20261122)
    bodies = [json.loads(shop.signed(each["id"]).body) for each in shop.events()]
    before = traces()
    answers: dict[int, int] = {}
    for number in range(1000):
        if number % 10 < 7:
            body = mangled(rng.choice(bodies), rng)
            header = signature(body, secret)
        else:
            body = json.dumps(rng.choice(bodies))
            header = rng.choice(
                [
                    signature(body, OTHER_SECRET),
                    signature(body, secret, age_seconds=rng.randrange(301, 10**9)),
                    "".join(chr(rng.randrange(32, 256)) for _ in range(rng.randrange(80))),
                    signature(body, secret)[: rng.randrange(60)],
                    f"t={'9' * 5000},v1=0",
                ]
            )
        status = door.post(
            body.encode(errors="surrogatepass"),
            HTTP_STRIPE_SIGNATURE=header,
            content_type=rng.choice(
                ["application/json", "application/json; charset=utf-16", "text/plain", "x"]
            ),
        )
        answers[status] = answers.get(status, 0) + 1
    assert answers == {400: 1000}
    assert (stored(), traces()) == ((0, 0, 0), before)


def test_signed_events_that_dj_stripe_can_not_mirror_are_no_server_error(
    shop: StripeControl, door: Door, secret: str, paid: Order, traces: Traces
) -> None:
    """Well formed as an event, and the object inside is not what its type says."""
    rng = random.Random(17)
    bodies = [json.loads(shop.signed(each["id"]).body) for each in shop.events()]
    before = traces()
    answers = set()
    for number in range(150):
        body = json.loads(json.dumps(rng.choice(bodies)))
        body["id"] = f"evt_fuzz{number}"
        told = body["data"]["object"]
        for _ in range(3):
            name = rng.choice([*told, "customer", "id", "metadata"])
            told[name] = rng.choice([odd for odd in ODD if name != "id" or odd == "x"] or ["cs_x"])
        told["id"] = rng.choice(["cs_nothing", "ch_nothing", told["id"]])
        told["object"] = rng.choice(["charge", "customer", "nothing", body["data"]["object"]])
        if not isinstance(told["object"], str):
            told["object"] = "checkout.session"
        text = json.dumps(body)
        answers.add(door.post(text, HTTP_STRIPE_SIGNATURE=signature(text, secret)))
    assert answers <= {200, 400}
    assert traces() == before


def test_the_door_is_open_to_stripe_without_a_session_or_csrf_token(
    door: Door, event: SignedEvent
) -> None:
    strict = Door(Client(enforce_csrf_checks=True), door.path)
    assert strict.deliver(event) == 200
