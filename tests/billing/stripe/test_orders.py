"""Ordering: one row, one customer, one checkout page, however often and at once it is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from billing.models import Order
from billing.stripe.api import PaymentProviderUnavailable, PurchasesClosed
from config.errors import Conflict, InvalidInput
from emulators.stripe.testing import StripeControl
from tests.billing.stripe.conftest import CANCEL_URL, RETURN_URL, offer_of

pytestmark = pytest.mark.django_db
Ordering = Callable[..., Order]


def sessions(shop: StripeControl) -> list[dict[str, object]]:
    found: list[dict[str, object]] = shop.get("/v1/checkout/sessions?limit=100")["data"]
    return found


def customers(shop: StripeControl) -> list[str]:
    return [row["path"] for row in shop.requests() if row["path"] == "/v1/customers"]


def test_an_order_remembers_what_was_quoted_and_has_a_page_to_pay_on(
    shop: StripeControl, order: Ordering, user: User
) -> None:
    placed = order("tokens_450k")
    offer = offer_of("tokens_450k")
    assert (placed.state, placed.kind, placed.tokens) == ("open", "package", 450_000)
    assert (placed.amount_cents, placed.currency) == (1000, "usd")
    assert placed.stripe_price_id == offer.stripe_price_id != ""
    session = shop.get(f"/v1/checkout/sessions/{placed.checkout_session_id}")
    assert placed.checkout_url == session["url"]
    assert session["mode"] == "payment"
    assert session["client_reference_id"] == str(placed.pk)
    assert session["amount_total"] == 1000
    assert session["customer"] == placed.stripe_customer_id
    assert session["success_url"] == RETURN_URL
    assert session["cancel_url"] == CANCEL_URL
    customer = shop.get(f"/v1/customers/{placed.stripe_customer_id}")
    assert customer["email"] == user.email
    assert customer["metadata"] == {"djstripe_subscriber": str(user.pk)}


def test_a_changed_price_does_not_change_what_was_ordered(order: Ordering) -> None:
    placed = order()
    offer = offer_of("tokens_450k")
    offer.amount_cents, offer.tokens = 1, 2
    offer.save()
    again = order()
    assert (again.pk, again.amount_cents, again.tokens) == (placed.pk, 1000, 450_000)


def test_the_same_key_gives_the_same_order(shop: StripeControl, order: Ordering) -> None:
    first, second = order(), order()
    assert first.pk == second.pk
    assert first.checkout_url == second.checkout_url
    assert len(sessions(shop)) == 1


def test_another_key_gives_another_order_for_the_same_customer(
    shop: StripeControl, order: Ordering
) -> None:
    first, second = order(key="a"), order(key="b")
    assert first.pk != second.pk
    assert first.stripe_customer_id == second.stripe_customer_id
    assert len(sessions(shop)) == 2


def test_the_same_key_for_another_offer_is_a_conflict(shop: StripeControl, order: Ordering) -> None:
    order("tokens_450k")
    with pytest.raises(Conflict) as refusal:
        order("tokens_1m")
    assert refusal.value.code == "idempotency_conflict"
    assert Order.objects.count() == len(sessions(shop)) == 1


def test_two_people_may_use_the_same_key(order: Ordering, other_user: User) -> None:
    mine, theirs = order(), order(who=other_user)
    assert mine.pk != theirs.pk
    assert mine.stripe_customer_id != theirs.stripe_customer_id


@pytest.mark.parametrize("slug", ["nothing", "free_monthly", "", "tokens_450k\0", "x" * 5000])
def test_what_is_not_on_offer_is_refused(order: Ordering, slug: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        order(slug)
    assert refusal.value.code == "unknown_package"
    assert not Order.objects.exists()


def test_a_disabled_offer_is_refused(order: Ordering) -> None:
    offer = offer_of("tokens_450k")
    offer.enabled = False
    offer.save()
    with pytest.raises(InvalidInput):
        order("tokens_450k")
    assert not Order.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 121, "a b", "ключ", "a\n", "a\0"])
def test_a_key_that_is_none_is_refused(order: Ordering, key: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        order(key=key)
    assert refusal.value.code == "invalid_idempotency_key"
    assert not Order.objects.exists()


def test_without_a_key_of_stripe_purchases_are_closed(order: Ordering, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    with pytest.raises(PurchasesClosed) as refusal:
        order()
    assert (refusal.value.status, refusal.value.code) == (503, "purchases_closed")
    assert not Order.objects.exists()


def test_an_offer_without_a_price_can_not_be_bought_and_staff_are_told(
    order: Ordering, alerts: Callable[[], list[str]]
) -> None:
    offer = offer_of("tokens_450k")
    offer.stripe_price_id = ""
    offer.save()
    with pytest.raises(PaymentProviderUnavailable):
        order()
    assert not Order.objects.exists()
    assert alerts() == ["offer-without-price"]


# --- When Stripe is away -----------------------------------------------------------------------


def test_stripe_hanging_up_leaves_an_order_that_asking_again_finishes(
    shop: StripeControl, order: Ordering
) -> None:
    shop.fault(method="POST", path="/v1/checkout/sessions", times=3)
    with pytest.raises(PaymentProviderUnavailable) as refusal:
        order()
    assert refusal.value.status == 503
    assert Order.objects.get().state == Order.State.CREATED
    placed = order()
    assert placed.state == Order.State.OPEN
    assert (Order.objects.count(), len(sessions(shop))) == (1, 1)


def test_a_session_whose_answer_was_lost_is_not_made_twice(
    shop: StripeControl, order: Ordering
) -> None:
    shop.fault(method="POST", path="/v1/checkout/sessions", times=3, after=True)
    with pytest.raises(PaymentProviderUnavailable):
        order()
    assert order().state == Order.State.OPEN
    assert (Order.objects.count(), len(sessions(shop))) == (1, 1)


def test_a_server_error_of_stripe_gives_the_order_up_and_frees_the_key(
    shop: StripeControl, order: Ordering
) -> None:
    shop.fault(method="POST", path="/v1/checkout/sessions", status=500, times=3)
    with pytest.raises(PaymentProviderUnavailable):
        order()
    assert Order.objects.get().state == Order.State.FAILED
    placed = order()
    assert placed.state == Order.State.OPEN
    assert sorted(Order.objects.values_list("state", flat=True)) == ["failed", "open"]


def test_a_key_that_stripe_refuses_is_told_to_staff(
    shop: StripeControl, order: Ordering, alerts: Callable[[], list[str]]
) -> None:
    shop.fault(method="POST", path="/v1/checkout/sessions", status=401)
    with pytest.raises(PaymentProviderUnavailable):
        order()
    assert alerts() == ["stripe-key"]


def test_a_price_that_stripe_does_not_know_is_told_to_staff(
    order: Ordering, alerts: Callable[[], list[str]]
) -> None:
    offer = offer_of("tokens_450k")
    offer.stripe_price_id = "price_gone"
    offer.save()
    with pytest.raises(PaymentProviderUnavailable):
        order()
    assert alerts() == ["checkout-refused"]
    assert Order.objects.get().state == Order.State.FAILED


def test_a_customer_deleted_at_stripe_is_made_again(
    shop: StripeControl, order: Ordering, user: User
) -> None:
    first = order(key="a")
    Order.objects.filter(pk=first.pk).update(stripe_customer_id="cus_gone")
    second = order(key="b")
    assert second.state == Order.State.OPEN
    assert second.stripe_customer_id not in ("", "cus_gone")
    assert shop.get(f"/v1/customers/{second.stripe_customer_id}")["email"] == user.email


def test_an_interrupted_order_is_not_taken_up_after_stripe_forgot_its_key(
    order: Ordering, user: User
) -> None:
    old = _created(user, created_at=timezone.now() - timedelta(hours=21))
    placed = order(key=old.idempotency_key)
    old.refresh_from_db()
    assert placed.pk != old.pk
    assert (placed.state, old.state) == (Order.State.OPEN, Order.State.FAILED)


def _created(user: User, **facts: object) -> Order:
    offer = offer_of(str(facts.pop("slug", "tokens_450k")))
    return Order.objects.create(
        user=user,
        offer=offer,
        idempotency_key="interrupted",
        kind=offer.kind,
        tokens=offer.tokens,
        amount_cents=offer.amount_cents,
        currency=offer.currency,
        stripe_price_id=offer.stripe_price_id,
        **facts,
    )


# --- One subscription each ---------------------------------------------------------------------


def test_an_open_subscription_checkout_is_given_again(shop: StripeControl, order: Ordering) -> None:
    first, second = order("premium_monthly", "a"), order("premium_monthly", "b")
    assert first.pk == second.pk
    assert len(sessions(shop)) == 1


def test_an_expired_subscription_checkout_makes_room_for_a_new_one(
    shop: StripeControl, order: Ordering
) -> None:
    first = order("premium_monthly", "a")
    shop.advance(days=2)
    second = order("premium_monthly", "b")
    first.refresh_from_db()
    assert (first.state, second.state) == (Order.State.EXPIRED, Order.State.OPEN)


def test_a_subscription_paid_unheard_of_is_noticed_when_asked_for_again(
    shop: StripeControl, order: Ordering, user: User
) -> None:
    first = order("premium_monthly", "a")
    shop.pay(first.checkout_url)
    with pytest.raises(Conflict) as refusal:
        order("premium_monthly", "b")
    first.refresh_from_db()
    assert refusal.value.code == "already_subscribed"
    assert first.state == Order.State.PAID
    assert Order.objects.count() == 1


def test_a_subscription_that_no_order_knows_still_counts(
    shop: StripeControl, order: Ordering
) -> None:
    first = order("premium_monthly", "a")
    shop.pay(first.checkout_url)
    Order.objects.filter(pk=first.pk).update(state=Order.State.EXPIRED)
    with pytest.raises(Conflict) as refusal:
        order("premium_monthly", "b")
    assert refusal.value.code == "already_subscribed"
    assert Order.objects.count() == 1


def test_an_interrupted_subscription_order_is_taken_up_under_another_key(
    shop: StripeControl, order: Ordering, user: User
) -> None:
    interrupted = _created(user, slug="premium_monthly")
    placed = order("premium_monthly", "another")
    assert (placed.pk, placed.state) == (interrupted.pk, Order.State.OPEN)


def test_a_checkout_of_another_plan_is_ended_first(shop: StripeControl, order: Ordering) -> None:
    first = order("premium_monthly", "a")
    offer = offer_of("premium_monthly")
    offer.pk, offer.slug = None, "premium_other"
    offer.save()
    second = order("premium_other", "b")
    first.refresh_from_db()
    assert (first.state, second.state) == (Order.State.EXPIRED, Order.State.OPEN)
    assert second.offer.slug == "premium_other"


# --- At once -----------------------------------------------------------------------------------


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("slug", ["tokens_450k", "premium_monthly"])
@pytest.mark.parametrize("same_key", [True, False])
def test_ordering_twice_at_once_is_one_order(
    shop: StripeControl, order: Ordering, slug: str, same_key: bool
) -> None:
    if not same_key and slug != "premium_monthly":
        pytest.skip("two keys are two packages")
    for round_number in range(5):
        Order.objects.all().delete()
        placed: list[Order] = []
        barrier = Barrier(2)

        def ask(number: int, barrier: Barrier = barrier, placed: list[Order] = placed) -> None:
            try:
                barrier.wait()
                key = f"{round_number}" if same_key else f"{round_number}-{number}"  # noqa: B023
                placed.append(order(slug, key))
            finally:
                connection.close()

        threads = [Thread(target=ask, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(placed) == 2
        assert placed[0].pk == placed[1].pk
        assert placed[0].checkout_url == placed[1].checkout_url != ""
        assert Order.objects.count() == 1
