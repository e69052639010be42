"""Buttons, orders and plans over Django's client: what is said, and what is refused."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.models import Order, Payment
from billing.selectors import standing_of
from billing.services.mails import mails_due, order_failed_send, receipt_send
from billing.services.order_watch import order_refresh
from billing.tasks import mails_sweep
from emulators.stripe.testing import StripeControl
from tests.catalogue import catalogue_seed

pytestmark = pytest.mark.django_db


def words_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def press(client: Client, path: str, offer: str, key: str = "") -> Any:
    return client.post(path, {"offer": offer, "key": key or uuid4().hex})


@pytest.fixture
def empty_cache() -> None:
    cache.clear()


def test_the_button_orders_once_and_leads_to_the_payment_page(
    member: Client, person: User, shop: StripeControl
) -> None:
    page = member.get("/pricing/").content.decode()
    keys = re.findall(r'name="key" value="([0-9a-f]{32})"', page)
    assert len(set(keys)) == 5  # four packages and premium, each button its own
    for _ in range(2):
        pressed = press(member, "/billing/buy/", "tokens_450k", keys[1])
        assert pressed.status_code == 302
        assert pressed["Location"].startswith(shop.url)
    order = Order.objects.get()
    assert (order.user, order.state, order.tokens) == (person, "open", 450_000)
    session = shop.get(f"/v1/checkout/sessions/{order.checkout_session_id}")
    assert session["success_url"].endswith("/billing/returned/?session_id={CHECKOUT_SESSION_ID}")
    assert session["cancel_url"].endswith("/billing/left/")
    other = press(member, "/billing/buy/", "tokens_2m", keys[1])
    assert other["Location"] == "/pricing/"
    assert "already used to order something else" in words_of(member.get("/pricing/"))
    assert Order.objects.count() == 1


def test_pressed_again_after_paying_it_leads_to_the_order(
    member: Client, person: User, shop: StripeControl, empty_cache: None
) -> None:
    key = uuid4().hex
    shop.pay(press(member, "/billing/buy/", "tokens_200k", key)["Location"])
    order = Order.objects.get()
    back = member.get("/billing/returned/", {"session_id": order.checkout_session_id or ""})
    assert back["Location"] == f"/billing/orders/{order.pk}/"
    assert "Paid. 200,000 tokens are yours." in words_of(member.get(back["Location"]))
    again = press(member, "/billing/buy/", "tokens_200k", key)
    assert again["Location"] == back["Location"]
    assert standing_of(person, timezone.now()).available == 210_000


@pytest.mark.parametrize(
    ("path", "fields", "words"),
    [
        ("/billing/buy/", {"offer": "tokens_200k"}, "This button is too old"),
        ("/billing/buy/", {"offer": "tokens_200k", "key": "x"}, "This button is too old"),
        ("/billing/buy/", {"offer": "<b>", "key": "0" * 32}, "This button is too old"),
        ("/billing/buy/", {"offer": "nope", "key": "0" * 32}, "There is no such package"),
        ("/billing/buy/", {"offer": "premium_monthly", "key": "0" * 32}, "no such package"),
        ("/billing/subscribe/", {"offer": "tokens_200k", "key": "0" * 32}, "no such plan"),
    ],
)
def test_what_can_not_be_ordered_is_said_and_costs_nothing(
    member: Client, shop: StripeControl, path: str, fields: dict[str, str], words: str
) -> None:
    refused = member.post(path, fields)
    assert (refused.status_code, refused["Location"]) == (302, "/pricing/")
    said = words_of(member.get("/pricing/"))
    assert words in said
    assert "ot charged" in said or "Nothing was charged" in said
    assert not Order.objects.exists()


def test_without_stripe_nothing_is_for_sale_and_pages_say_so(member: Client, offers) -> None:
    page = member.get("/pricing/").content.decode()
    assert "Purchases are closed right now." in page
    assert "/billing/buy/" not in page
    assert "Purchases are closed right now." in words_of(member.get("/billing/"))
    press(member, "/billing/buy/", "tokens_200k")
    assert "Purchases are closed right now. You were not charged" in words_of(
        member.get("/pricing/")
    )
    assert not Order.objects.exists()


POSTS = ("buy", "subscribe", "cancel", "resume", "portal")


@pytest.mark.parametrize("name", POSTS)
def test_buttons_are_posts_of_signed_in_people_with_a_token(
    client: Client, person: User, offers, name: str
) -> None:
    path = f"/billing/{name}/"
    sent = client.post(path)
    assert (sent.status_code, sent["Location"]) == (302, f"/accounts/login/?next={path}")
    client.force_login(person)
    assert client.get(path).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person)
    assert strict.post(path).status_code == 403


@pytest.mark.parametrize("name", ["cancel", "resume"])
def test_without_a_subscription_the_buttons_say_so(
    member: Client, shop: StripeControl, name: str
) -> None:
    assert member.post(f"/billing/{name}/")["Location"] == "/billing/"
    assert "You have no subscription that is running" in words_of(member.get("/billing/"))


def test_somebody_elses_order_is_not_there(client: Client, make_order) -> None:
    order = make_order()
    client.force_login(User.objects.create_user("bo@example.com"))
    for path in (
        f"/billing/orders/{order.pk}/",
        f"/billing/orders/{order.pk}/state/",
        f"/billing/returned/?session_id={order.checkout_session_id}",
        "/billing/returned/",
        "/billing/returned/?session_id=%00",
        f"/billing/orders/{uuid4()}/",
    ):
        assert client.get(path).status_code == 404, path
    assert "No orders yet" in words_of(client.get("/billing/orders/"))
    assert client.get("/billing/left/")["Location"] == "/pricing/"


STATES = {
    "created": ("Your order is being prepared.", "Nothing was charged."),
    "open": ("We could not ask our payment provider just now.", "do not pay a second time"),
    "processing": ("Your payment is on its way.", "nothing is charged"),
    "paid": ("Paid. 200,000 tokens are yours.", "You paid $5."),
    "failed": ("The payment was declined.", "Nothing was charged."),
    "expired": ("This order was not paid in time.", "Nothing was charged."),
    "rejected": ("The payment does not match this order.", "No tokens were added."),
}


@pytest.mark.parametrize("state", STATES)
def test_every_state_says_what_happened_what_it_cost_and_the_next_step(
    member: Client, make_order, state: str, empty_cache: None
) -> None:
    # No key here: the provider can not be asked, as in an outage.
    session = {"checkout_session_id": None} if state == "created" else {}
    order = make_order(state=state, **session)
    page = member.get(f"/billing/orders/{order.pk}/")
    card = page.content.decode().split('class="panel order-card"')[1].split("</section>")[0]
    headline, cost = STATES[state]
    assert headline in card
    assert cost in card
    assert 'class="btn btn-primary"' in card or "buy-form" in card or 'href="/pricing/"' in card
    assert ("hx-get" in card) is (state in ("created", "open", "processing"))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"refunded_cents": 500}, "This payment was refunded. $5.00 went back"),
        ({"refunded_cents": 250}, "A part of this payment was refunded. $2.50 of $5.00"),
        ({"dispute": "open", "disputed_cents": 500}, "This payment is disputed."),
        ({"dispute": "lost", "disputed_cents": 500}, "This payment was charged back."),
        ({"dispute": "won", "disputed_cents": 500}, "Paid. 200,000 tokens are yours."),
    ],
)
def test_money_that_went_back_is_told(
    member: Client, make_order, make_payment, facts: dict[str, Any], words: str
) -> None:
    order = make_order(state="paid")
    make_payment(order, **facts)
    assert words in words_of(member.get(f"/billing/orders/{order.pk}/"))


def test_the_waiting_page_hears_only_news_and_stops_when_there_is_an_end(
    member: Client, make_order, empty_cache: None
) -> None:
    order = make_order(state="processing")
    cache.set(f"order-asked:{order.pk}", 1, 60)
    path = f"/billing/orders/{order.pk}/state/"
    since = int(timezone.now().timestamp())
    first = member.get(path, {"since": since})
    assert first.status_code == 200
    said = re.search(r"said=([\w-]+)", first.content.decode())
    assert said is not None
    assert member.get(path, {"since": since, "said": said[1]}).status_code == 204
    assert "every 1s" in first.content.decode()
    assert "every 5s" in member.get(path, {"since": since - 90}).content.decode()
    assert "hx-trigger" not in member.get(path, {"since": since - 1000}).content.decode()
    Order.objects.filter(pk=order.pk).update(state="paid", paid_at=timezone.now())
    last = member.get(path, {"since": since, "said": said[1]})
    assert last.status_code == 286  # htmx polls no more
    assert "hx-get" not in last.content.decode()


@pytest.mark.parametrize("since", ["x", "-5", "9" * 40, "", "²"])
def test_nonsense_about_the_time_is_taken_as_now(
    member: Client, make_order, since: str, empty_cache: None
) -> None:
    order = make_order(state="processing")
    answer = member.get(f"/billing/orders/{order.pk}/state/", {"since": since})
    assert answer.status_code == 200


def test_the_provider_is_asked_at_most_every_few_seconds(
    person: User, shop: StripeControl, member: Client, empty_cache: None
) -> None:
    press(member, "/billing/buy/", "tokens_200k")
    order = Order.objects.get()
    asked = len(shop.requests())
    for _ in range(5):
        assert order_refresh(order=order).order.state == "open"
    assert len(shop.requests()) == asked + 1


def test_history_lists_orders_and_payments(member: Client, make_order, make_payment) -> None:
    paid = make_order(state="paid")
    make_payment(paid, receipt_url="https://pay.stripe.com/receipts/1")
    make_order("tokens_2m", state="failed")
    page = member.get("/billing/orders/")
    words = words_of(page)
    assert re.search(r"200,000 tokens Paid .* \$5", words)
    assert re.search(r"2,000,000 tokens Declined .* \$20", words)
    assert 'href="https://pay.stripe.com/receipts/1"' in page.content.decode()


def test_a_receipt_is_mailed_once(person: User, make_order, make_payment) -> None:
    payment: Payment = make_payment(make_order(state="paid"))
    assert receipt_send(payment_id=payment.pk)
    assert not receipt_send(payment_id=payment.pk)
    [sent] = mail.outbox
    assert sent.to == ["ana@example.com"]
    assert sent.subject == "Receipt: $5 for Sitewright tokens"
    for words in ("$5.00", "200,000 tokens, which never expire", payment.source, "/billing/"):
        assert words in sent.body


def test_a_receipt_that_was_not_sent_is_found_by_the_sweep(make_order, make_payment) -> None:
    payment = make_payment(make_order(state="paid"))
    late = payment.created_at + timedelta(minutes=3)
    assert mails_due(now=late) == ([], [payment.pk], [], [])
    receipt_send(payment_id=payment.pk)
    assert mails_due(now=late) == ([], [], [], [])


def test_a_payment_that_did_not_arrive_is_told_by_mail_in_chinese(person: User, make_order) -> None:
    User.objects.filter(pk=person.pk).update(language="zh-hans")
    due = timezone.now()
    assert not order_failed_send(order_id=str(make_order(state="failed").pk))
    order = make_order(state="failed", failure_mail_due_at=due)
    assert order_failed_send(order_id=str(order.pk))
    assert not order_failed_send(order_id=str(order.pk))
    [sent] = mail.outbox
    assert "没有成功" in sent.subject
    assert "没有扣款" in sent.body
    assert "Nothing" not in sent.body


def test_the_mail_of_a_failed_payment_is_tried_again_by_the_sweep(make_order, settings) -> None:
    due = timezone.now()
    order = make_order(state="failed", failure_mail_due_at=due)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 9, 1
    assert not order_failed_send(order_id=str(order.pk))
    assert mails_due(now=due + timedelta(minutes=1)).orders == []
    assert mails_due(now=due + timedelta(minutes=3)).orders == [str(order.pk)]
    assert mails_due(now=due + timedelta(days=4)).orders == []
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with time_machine.travel(due + timedelta(minutes=3)):
        mails_sweep()
        mails_sweep()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("base", "told"),
    [("http://127.0.0.1:12111", True), ("", False), ("https://stripe.example.com", False)],
)
def test_pages_with_prices_say_where_payments_are_emulated(
    member: Client, make_order, settings, base: str, told: bool
) -> None:
    order = make_order(state="failed")
    settings.STRIPE_API_BASE = base
    for path in ("/pricing/", "/billing/", f"/billing/orders/{order.pk}/"):
        page = words_of(member.get(path))
        assert ("Payments are practice here: no card is charged." in page) is told


def test_calculator_counts_any_balance_on_any_model(client: Client, offers, catalogue) -> None:
    page = client.get("/pricing/", {"tokens": "1000000", "model": "qwen-turbo"})
    words = words_of(page)
    assert "1,000,000 tokens, in usual one-page sites:" in words
    assert "Qwen Turbo ×1 ≈ 370 pages" in words
    for nonsense in ("-1", "x", "9" * 30, "1e9", "²"):
        kept = words_of(client.get("/pricing/", {"tokens": nonsense}))
        assert "200,000 tokens, in usual one-page sites:" in kept


@pytest.fixture
def catalogue(db: None) -> None:
    catalogue_seed()
