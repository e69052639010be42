"""Buying, as a person does it, on the emulated Stripe with every webhook lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from billing.models import Grant, Notice, Order, Payment
from billing.selectors import standing_of
from billing.services.holds import hold_create, hold_settle
from billing.services.reconcile import reconcile
from billing.services.reversals import charge_refresh, dispute_refresh
from billing.stripe.api import stripe_client
from emulators.stripe.testing import StripeControl
from tests.billing.pages.browser import headline, look, pay, wait_for_headline
from tests.catalogue import catalogue_seed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PRICES = {"$5": 200_000, "$10": 450_000, "$15": 1_000_000, "$20": 2_000_000}


@pytest.fixture(scope="session")
def live_server() -> Iterator[LiveServer]:
    """pytest-django's own, started while app and sites are apart: it starts before `settings`."""
    with override_settings(SITES_DOMAIN="sites.example"):
        server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture
def stripe(shop: StripeControl, settings: Any) -> StripeControl:
    """The account with our offers, which forms may lead to; the models' prices are there too."""
    policy = django_settings.CONTENT_SECURITY_POLICY
    directives = dict(policy["DIRECTIVES"])
    directives["form-action"] = [*directives["form-action"], shop.url]
    settings.CONTENT_SECURITY_POLICY = {**policy, "DIRECTIVES": directives}
    settings.DEBUG = True
    # Some stories go on for weeks.
    settings.SESSION_COOKIE_AGE = 90 * 86_400
    catalogue_seed()
    return shop


@pytest.fixture
def at(
    page: Any, live_server: LiveServer, stripe: StripeControl, person: User
) -> Callable[..., Any]:
    """at("/pricing/"): the page at this path, seen by the person."""
    client = Client()
    client.force_login(person)
    name = django_settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
    page.context.add_cookies([cookie])

    def go(path: str) -> Any:
        page.goto(live_server.url + path)
        return page

    return go


def buy(page: Any, price: str = "$5") -> None:
    """On the pricing page: the package's button; then the payment page is there."""
    page.click(f".package-table tr:has-text('{price}') button")
    page.wait_for_selector("form.pay")


def available(person: User) -> int:
    return standing_of(person, timezone.now()).available


def test_from_sign_up_every_package_reaches_the_balance(
    page: Any, live_server: LiveServer, stripe: StripeControl
) -> None:
    page.goto(live_server.url + "/pricing/")
    look(page, "pricing-visitor")
    page.click(".package-table a:has-text('Buy')")
    page.fill("input[name=email]", "li@example.com")
    page.fill("input[name=password1]", "correct horse battery")
    page.click("main button[type=submit]")
    page.wait_for_url("**/pricing/")
    balance = 10_000
    for price, tokens in PRICES.items():
        page.goto(live_server.url + "/pricing/")
        buy(page, price)
        pay(page)
        wait_for_headline(page, f"Paid. {tokens:,} tokens are yours.")
        balance += tokens
        assert f"You have {balance:,} tokens now." in page.inner_text(".order-card")
        assert page.inner_text("[data-balance-amount]") == f"{balance:,}"
    look(page, "order-paid")
    page.goto(live_server.url + "/billing/orders/")
    assert page.locator(".order-row").count() == 4
    assert page.locator(".payment-table tbody tr").count() == 4
    look(page, "orders")
    assert Grant.objects.filter(kind="purchased").count() == 4
    assert reconcile() == []


def test_premium_is_subscribed_to_cancelled_and_resumed(
    at: Callable[..., Any], person: User, stripe: StripeControl
) -> None:
    page = at("/pricing/")
    page.click("section[aria-labelledby=plan-premium] button")
    pay(page)
    wait_for_headline(page, "Premium is on.")
    assert "You have 40,000 tokens now." in page.inner_text(".order-card")
    look(page, "order-premium")
    page = at("/billing/")
    assert "Renews on" in page.inner_text(".plan-card")
    look(page, "billing-active")
    page.click("button:has-text('Cancel premium')")
    assert "You keep premium and its 30,000 tokens a day until" in page.inner_text("dialog[open]")
    look(page, "billing-cancel-dialog")
    page.click("dialog[open] button:has-text('Cancel premium')")
    page.wait_for_selector(".plan-card:has-text('Nothing more will be charged.')")
    assert available(person) == 40_000
    look(page, "billing-cancelling")
    page.click("button:has-text('Keep premium')")
    page.wait_for_selector(".plan-card:has-text('Renews on')")
    page = at("/pricing/")
    assert page.locator("section[aria-labelledby=plan-premium] button").count() == 0
    page = at("/billing/")
    page.click("button:has-text('Cards and invoices')")
    page.wait_for_url(f"{stripe.url}/**")


def test_every_day_of_premium_brings_its_tokens_until_the_period_ends(
    at: Callable[..., Any], person: User, stripe: StripeControl
) -> None:
    page = at("/pricing/")
    page.click("section[aria-labelledby=plan-premium] button")
    pay(page)
    wait_for_headline(page, "Premium is on.")
    _spend(person, 40_000)
    assert at("/billing/").inner_text("[data-balance-amount]") == "0"
    begun = timezone.now()
    page.click("button:has-text('Cancel premium')")
    page.click("dialog[open] button:has-text('Cancel premium')")
    page.wait_for_selector(".plan-card:has-text('Nothing more will be charged.')")
    spent_months = {begun.month}
    for days, premium in ((1, 30_000), (2, 30_000), (20, 30_000), (33, 0)):
        moved = begun + timedelta(days=days)
        stripe.advance(until=moved)
        with time_machine.travel(moved):
            there = premium + (0 if moved.month in spent_months else 10_000)
            assert at("/billing/").inner_text("[data-balance-amount]") == f"{there:,}"
            _spend(person, there)
        spent_months.add(moved.month)
    assert reconcile() == []


@pytest.mark.parametrize(("outcome", "left"), [("won", 210_000), ("lost", 10_000)])
def test_a_dispute_withholds_the_tokens_until_it_is_decided(
    at: Callable[..., Any], person: User, stripe: StripeControl, outcome: str, left: int
) -> None:
    page = at("/pricing/")
    buy(page)
    pay(page)
    wait_for_headline(page, "Paid.")
    payment = Payment.objects.get()
    dispute = stripe.dispute(payment.charge_id)
    dispute_refresh(dispute_id=dispute["id"])
    page = at(f"/billing/orders/{payment.order_id}/")
    assert headline(page) == "This payment is disputed."
    assert page.inner_text("[data-balance-amount]") == "10,000"
    look(page, "order-disputed")
    stripe.resolve_dispute(dispute["id"], outcome)
    dispute_refresh(dispute_id=dispute["id"])
    page = at(f"/billing/orders/{payment.order_id}/")
    assert page.inner_text("[data-balance-amount]") == f"{left:,}"
    assert (headline(page) == "Paid. 200,000 tokens are yours.") == (outcome == "won")
    look(page, f"order-dispute-{outcome}")
    assert reconcile() == []


def test_a_declined_card_costs_nothing_and_can_be_tried_again(
    at: Callable[..., Any], person: User, console_errors: list[str]
) -> None:
    page = at("/pricing/")
    buy(page)
    pay(page, "4000000000000002")
    page.wait_for_selector("[role=alert]")
    page.click("#back")
    wait_for_headline(page, "This order is not paid yet.")
    assert "Nothing was charged." in page.inner_text(".order-card")
    assert available(person) == 10_000
    look(page, "order-open")
    page.click("a:has-text('Go on to payment')")
    pay(page)
    wait_for_headline(page, "Paid. 200,000 tokens are yours.")
    assert available(person) == 210_000
    # The payment page answers a declined card with 402, which the browser logs.
    console_errors[:] = [error for error in console_errors if "402" not in error]


def test_paid_later_says_it_is_on_its_way_and_then_changes_by_itself(
    at: Callable[..., Any], person: User, stripe: StripeControl
) -> None:
    page = at("/pricing/")
    buy(page, "$20")
    pay(page, "delayed")
    wait_for_headline(page, "Your payment is on its way.")
    assert available(person) == 10_000
    look(page, "order-processing")
    stripe.settle(Order.objects.get().checkout_session_id or "")
    wait_for_headline(page, "Paid. 2,000,000 tokens are yours.")
    assert available(person) == 2_010_000
    # There is nothing more to look for.
    assert page.locator(".order-card[hx-get]").count() == 0


def test_paid_later_and_declined_by_the_bank_says_so(
    at: Callable[..., Any], person: User, stripe: StripeControl
) -> None:
    page = at("/pricing/")
    buy(page)
    pay(page, "delayed")
    wait_for_headline(page, "Your payment is on its way.")
    stripe.settle(Order.objects.get().checkout_session_id or "", succeeded=False)
    wait_for_headline(page, "The payment was declined.")
    assert "Nothing was charged." in page.inner_text(".order-card")
    look(page, "order-failed")
    page.click("button:has-text('Try again')")
    pay(page)
    wait_for_headline(page, "Paid. 200,000 tokens are yours.")
    assert available(person) == 210_000


def test_an_abandoned_order_can_be_gone_on_with_until_it_expires(
    at: Callable[..., Any], person: User, stripe: StripeControl
) -> None:
    page = at("/pricing/")
    buy(page)
    page = at("/billing/left/")
    wait_for_headline(page, "This order is not paid yet.")
    stripe_client().v1.checkout.sessions.expire(Order.objects.get().checkout_session_id or "")
    wait_for_headline(page, "This order was not paid in time.")
    look(page, "order-expired")
    page = at("/billing/")
    assert "Not paid in time" in page.inner_text(".order-row")
    assert available(person) == 10_000


def test_a_refund_shows_with_what_it_took_and_what_is_owed(
    at: Callable[..., Any], person: User, stripe: StripeControl
) -> None:
    page = at("/pricing/")
    buy(page)
    pay(page)
    wait_for_headline(page, "Paid.")
    payment = Payment.objects.get()
    _spend(person, 60_000)
    stripe.refund(payment.charge_id)
    charge_refresh(charge_id=payment.charge_id)
    page = at(f"/billing/orders/{payment.order_id}/")
    assert headline(page) == "This payment was refunded."
    assert "You owe 50,000 tokens" in page.inner_text(".order-card")
    look(page, "order-refunded")
    page = at("/billing/")
    assert "You owe 50,000 tokens" in page.inner_text("main")
    look(page, "billing-debt")


def test_a_payment_provider_that_is_away_is_said_and_costs_nothing(
    at: Callable[..., Any], person: User, stripe: StripeControl
) -> None:
    page = at("/pricing/")
    stripe.fault(method="POST", path="/v1/checkout/sessions", status=503, times=20)
    page.click(".package-table tr:has-text('$5') button")
    page.wait_for_selector(".messages")
    assert "You were not charged" in page.inner_text(".messages")
    look(page, "pricing-provider-away")
    stripe.clear_faults()
    buy(page)
    pay(page)
    wait_for_headline(page, "Paid.")
    assert available(person) == 210_000


def test_the_low_balance_banner_is_hidden_for_good(at: Callable[..., Any], person: User) -> None:
    available(person)
    Notice.objects.create(user=person, level=80, period="2026-11")
    page = at("/pricing/")
    page.wait_for_selector(".low-banner")
    look(page, "low-banner")
    page.click(".low-banner button")
    page.wait_for_selector(".low-banner", state="detached")
    assert at("/pricing/").locator(".low-banner").count() == 0


def test_pages_follow_the_model_and_the_balance_without_a_reload(at: Callable[..., Any]) -> None:
    page = at("/pricing/")
    page.select_option("#model", "claude-3-opus")
    page.wait_for_selector("#counted:has-text('on Claude 3 Opus')")
    page.fill("#tokens", "2000000")
    page.wait_for_selector("#bought:has-text('2,000,000 tokens')")
    look(page, "pricing-member")


def test_money_pages_in_chinese_are_accessible_and_fit(
    at: Callable[..., Any], person: User
) -> None:
    User.objects.filter(pk=person.pk).update(language="zh-hans")
    look(at("/pricing/"), "pricing-zh")
    page = at("/pricing/")
    buy(page)
    at("/billing/left/")
    wait_for_headline(page, "这笔订单还没有付款。")
    look(page, "order-open-zh")
    look(at("/billing/"), "billing-zh")


def test_buying_works_from_the_keyboard_and_without_scripts(
    browser: Any, live_server: LiveServer, stripe: StripeControl, person: User
) -> None:
    client = Client()
    client.force_login(person)
    context = browser.new_context(java_script_enabled=False)
    name = django_settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
    context.add_cookies([cookie])
    page = context.new_page()
    page.goto(live_server.url + "/pricing/?model=qwen-turbo&tokens=450000")
    assert "≈ 166 pages" in page.inner_text("#bought")
    page.focus(".package-table tr:has-text('$10') button")
    page.keyboard.press("Enter")
    pay(page)
    wait_for_headline(page, "Paid. 450,000 tokens are yours.")
    page.goto(live_server.url + "/pricing/")
    page.click("section[aria-labelledby=plan-premium] button")
    pay(page)
    wait_for_headline(page, "Premium is on.")
    page.goto(live_server.url + "/billing/")
    page.click(".plan-card form[action='/billing/cancel/'] button")
    page.wait_for_selector(".plan-card:has-text('Nothing more will be charged.')")
    context.close()


def _spend(person: User, tokens: int) -> None:
    if not tokens:
        return
    hold = hold_create(
        user_id=person.pk,
        key=f"run:spent:{timezone.now().isoformat()}",
        at_least=tokens,
        at_most=tokens,
        expires_at=timezone.now() + timedelta(hours=1),
    )
    hold_settle(hold_id=hold.pk, amount=tokens)
