"""Paid invoices that are not what was ordered: nothing granted, staff told."""

from datetime import timedelta

import pytest
from django.db import transaction

from accounts.models import StaffAlert
from billing.errors import NotSubscribed
from billing.models import Offer, Order, Payment, PremiumPeriod
from billing.services.subscriptions import invoice_settle, portal_url, subscription_cancel
from billing.stripe.api import (
    PaymentProviderUnavailable,
    PurchasesClosed,
    stripe_client,
    stripe_errors,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def alerts() -> list[str]:
    return list(StaffAlert.objects.order_by("key").values_list("key", flat=True))


def paid_but_not_told(shop, user) -> tuple[Order, str]:
    """The order, and its paid invoice that nobody settled."""
    order = shop.order(user, "premium_monthly")
    shop.emulated.pay(order.checkout_session_id)
    (event,) = shop.emulated.events("invoice.paid")
    return order, event["data"]["object"]["id"]


@pytest.mark.parametrize(
    "quoted",
    [
        {"amount_cents": 999},
        {"amount_cents": 1_001},
        {"currency": "eur"},
        {"stripe_price_id": "price_other"},
        {"stripe_customer_id": "cus_other"},
        {"state": Order.State.REJECTED},
    ],
    ids=lambda quoted: next(iter(quoted)),
)
def test_an_invoice_that_does_not_fit_its_order_grants_nothing(shop, user, quoted):
    order, invoice = paid_but_not_told(shop, user)
    Order.objects.filter(pk=order.pk).update(**quoted)
    assert invoice_settle(invoice_id=invoice) is None
    assert alerts() == [f"invoice-rejected:{invoice}"]
    assert not Payment.objects.exists()
    assert not PremiumPeriod.objects.exists()
    assert shop.available(user) == 10_000
    assert invoice_settle(invoice_id=invoice) is None
    assert StaffAlert.objects.get().times == 2


def test_a_renewal_at_another_price_grants_nothing(shop, user):
    order = shop.subscribe(user)
    Order.objects.filter(pk=order.pk).update(amount_cents=900)
    shop.move(31 * DAY)
    (alert,) = alerts()
    assert alert.startswith("invoice-rejected:in_")
    assert Payment.objects.count() == 1


def test_a_new_price_of_the_offer_leaves_running_subscriptions_as_they_are(shop, user):
    shop.subscribe(user)
    Offer.objects.filter(slug="premium_monthly").update(amount_cents=2_000, tokens=50_000)
    shop.move(31 * DAY)
    assert Payment.objects.count() == 2
    assert shop.available(user) == 40_000
    assert alerts() == []


def make_subscription(shop, customer: str, price: str) -> str:
    """As staff would at Stripe, for an order that nobody made here; returns its paid invoice."""
    with stripe_errors():
        session = stripe_client().v1.checkout.sessions.create(
            {
                "mode": "subscription",
                "customer": customer,
                "line_items": [{"price": price, "quantity": 1}],
                "success_url": "https://app.example/",
            }
        )
    shop.emulated.pay(session.id)
    return str(shop.emulated.events("invoice.paid")[-1]["data"]["object"]["id"])


def test_a_subscription_that_staff_made_goes_by_the_offers_price(shop, user):
    order = shop.order(user, "premium_monthly")
    price = Offer.objects.get(slug="premium_monthly").stripe_price_id
    payment = invoice_settle(invoice_id=make_subscription(shop, order.stripe_customer_id, price))
    assert payment is not None
    assert (payment.user, payment.order) == (user, None)
    assert shop.available(user) == 40_000


def test_a_second_subscription_is_paid_for_entitles_once_and_is_told_to_staff(shop, user):
    order = shop.subscribe(user)
    price = Offer.objects.get(slug="premium_monthly").stripe_price_id
    invoice_settle(invoice_id=make_subscription(shop, order.stripe_customer_id, price))
    assert alerts() == [f"second-subscription:{user.pk}"]
    assert shop.available(user) == 40_000
    assert Payment.objects.count() == 2


def test_a_subscription_of_somebody_unknown_to_our_price_is_told_to_staff(shop):
    with stripe_errors():
        stranger = stripe_client().v1.customers.create({"email": "stranger@example.com"})
    price = Offer.objects.get(slug="premium_monthly").stripe_price_id
    invoice = make_subscription(shop, stranger.id, price)
    assert invoice_settle(invoice_id=invoice) is None
    assert alerts() == [f"invoice-rejected:{invoice}"]


def test_what_another_shop_on_the_account_sells_is_not_ours(shop):
    with stripe_errors():
        client = stripe_client()
        stranger = client.v1.customers.create({"email": "stranger@example.com"})
        product = client.v1.products.create({"name": "Socks, every month"})
        price = client.v1.prices.create(
            {
                "product": product.id,
                "currency": "usd",
                "unit_amount": 1_000,
                "recurring": {"interval": "month"},
            }
        )
    assert invoice_settle(invoice_id=make_subscription(shop, stranger.id, price.id)) is None
    assert alerts() == []


# --- When Stripe is away -----------------------------------------------------------------------


def test_stripe_is_never_asked_inside_a_transaction(shop, user):
    order = shop.subscribe(user)
    invoice = shop.subscription(order)["latest_invoice"]
    with pytest.raises(RuntimeError, match="inside a transaction"), transaction.atomic():
        invoice_settle(invoice_id=invoice)
    with pytest.raises(RuntimeError, match="inside a transaction"), transaction.atomic():
        subscription_cancel(user=user)


def test_without_a_key_nothing_can_be_changed_and_what_people_have_stays(shop, user, settings):
    shop.subscribe(user)
    settings.STRIPE_SECRET_KEY = ""
    with pytest.raises(PurchasesClosed):
        subscription_cancel(user=user)
    with pytest.raises(PurchasesClosed):
        portal_url(user=user, return_url="https://app.example/")
    assert shop.available(user) == 40_000


@pytest.mark.parametrize("path", ["/v1/invoices", "/v1/subscriptions", "/v1/charges"])
def test_a_stripe_that_fails_half_way_is_asked_again_later(shop, user, path):
    _, invoice = paid_but_not_told(shop, user)
    shop.emulated.fault(path=path, status=500, times=10)
    with pytest.raises(PaymentProviderUnavailable):
        invoice_settle(invoice_id=invoice)
    shop.emulated.clear_faults()
    payment = invoice_settle(invoice_id=invoice)
    assert payment is not None
    assert payment.charge_id
    assert (Payment.objects.count(), PremiumPeriod.objects.count()) == (1, 1)
    assert shop.available(user) == 40_000


def test_a_subscription_that_ended_meanwhile_is_not_cancelled_again(shop, user):
    order = shop.subscribe(user)
    with stripe_errors():
        stripe_client().v1.subscriptions.cancel(order.subscription_id)
    with pytest.raises(NotSubscribed):
        subscription_cancel(user=user)
