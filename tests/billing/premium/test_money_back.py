"""Refunds and disputes told by an emulated Stripe: before, after and instead of each other."""

from datetime import timedelta
from itertools import permutations

import pytest

from accounts.models import StaffAlert
from billing.models import Grant, Payment, PremiumPeriod
from billing.selectors import standing_of
from billing.services.reversals import charge_refresh, dispute_refresh, payment_refresh
from tests.billing.premium.shop import daily

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def package(shop, user):
    """450,000 tokens for $10, told and granted."""
    shop.buy(user, "tokens_450k")
    return Payment.objects.get()


@pytest.fixture
def month(shop, user):
    """A month of premium for $10."""
    shop.subscribe(user)
    return Payment.objects.get()


def state() -> tuple[int, int, int, int]:
    """Available, spent, voided, owed of the only package."""
    grant = Grant.objects.get(kind="purchased")
    return grant.available, grant.spent, grant.voided, grant.owed


def alerts() -> list[str]:
    return sorted(StaffAlert.objects.values_list("key", flat=True))


def test_a_full_refund(shop, package):
    shop.emulated.refund(package.charge_id)
    shop.tell()
    assert state() == (0, 0, 450_000, 0)
    package.refresh_from_db()
    assert (package.refunded_cents, package.dispute, package.reversals) == (1_000, "", 1)


def test_three_partial_refunds(shop, package):
    taken = []
    for cents in (333, 333, 333):
        shop.emulated.refund(package.charge_id, cents)
        shop.tell()
        taken.append(state()[2])
    assert taken == [149_850, 299_700, 449_550]


def test_three_partial_refunds_told_at_once_and_backwards(shop, package):
    for cents in (100, 200, 300):
        shop.emulated.refund(package.charge_id, cents)
    shop.tell()
    for _ in range(2):
        charge_refresh(charge_id=package.charge_id)
    assert state() == (180_000, 0, 270_000, 0)


def test_a_refund_after_use(shop, user, package):
    shop.use(user, 10_000 + 400_000)
    shop.emulated.refund(package.charge_id, 500)
    shop.tell()
    assert state() == (0, 400_000, 50_000, 175_000)
    assert standing_of(user, shop.now).debt == 175_000


def test_a_refund_that_the_bank_sends_back(shop, package):
    refund = shop.emulated.refund(package.charge_id)
    shop.tell()
    shop.emulated.fail_refund(refund["id"])
    shop.tell()
    assert state() == (450_000, 0, 0, 0)


def test_a_dispute_opened_and_won(shop, user, package):
    shop.use(user, 10_000 + 150_000)
    dispute = shop.emulated.dispute(package.charge_id)
    shop.tell()
    assert state() == (0, 150_000, 300_000, 0)
    assert alerts() == [f"dispute:{package.source}"]
    shop.emulated.resolve_dispute(dispute["id"], "won")
    shop.tell()
    assert state() == (300_000, 150_000, 0, 0)
    package.refresh_from_db()
    assert (package.dispute, package.disputed_cents) == ("won", 1_000)


def test_a_dispute_opened_and_lost(shop, user, package):
    shop.use(user, 10_000 + 150_000)
    dispute = shop.emulated.dispute(package.charge_id)
    shop.emulated.resolve_dispute(dispute["id"], "lost")
    shop.tell()
    assert state() == (0, 150_000, 300_000, 150_000)


def test_an_inquiry_takes_nothing(shop, package):
    shop.emulated.dispute(package.charge_id, inquiry=True)
    shop.tell()
    assert state() == (450_000, 0, 0, 0)
    assert alerts() == []


def test_a_refund_after_a_won_dispute(shop, package):
    dispute = shop.emulated.dispute(package.charge_id)
    shop.tell()
    shop.emulated.resolve_dispute(dispute["id"], "won")
    shop.tell()
    shop.emulated.refund(package.charge_id, 250)
    shop.tell()
    assert state() == (337_500, 0, 112_500, 0)


def test_a_dispute_about_what_a_refund_left(shop, package):
    shop.emulated.refund(package.charge_id, 400)
    shop.emulated.dispute(package.charge_id, 600)
    shop.tell()
    assert state() == (180_000, 0, 270_000, 0)


@pytest.mark.parametrize("told", ["refund", "dispute"])
def test_money_that_went_back_before_we_knew_that_it_came(shop, user, told):
    order = shop.order(user, "tokens_450k")
    shop.emulated.pay(order.checkout_session_id)
    (charge,) = [
        event["data"]["object"]["id"] for event in shop.emulated.events("charge.succeeded")
    ]
    if told == "refund":
        shop.emulated.refund(charge, 400)
        assert charge_refresh(charge_id=charge) is None
    else:
        dispute = shop.emulated.dispute(charge, 400)
        assert dispute_refresh(dispute_id=dispute["id"]) is None
    assert not Payment.objects.exists()
    shop.tell()
    assert state() == (270_000, 0, 180_000, 0)


def test_every_order_of_refund_and_dispute_events_ends_the_same(shop, user):
    ends = []
    for order_of_words in permutations(range(3)):
        payment = Payment.objects.get(order=shop.buy(user, "tokens_450k"))
        shop.emulated.refund(payment.charge_id, 100)
        dispute = shop.emulated.dispute(payment.charge_id, 600)
        shop.emulated.resolve_dispute(dispute["id"], "lost")
        shop.withhold()
        words = (
            lambda payment=payment: charge_refresh(charge_id=payment.charge_id),
            lambda dispute=dispute: dispute_refresh(dispute_id=dispute["id"]),
            lambda payment=payment: payment_refresh(payment_id=payment.pk),
        )
        for place in order_of_words:
            words[place]()
        grant = Grant.objects.get(source=f"purchase:{payment.source}")
        ends.append((grant.available, grant.voided, grant.owed))
    assert ends == [(180_000, 270_000, 0)] * 6


def test_nothing_is_known_of_other_peoples_charges(shop):
    assert charge_refresh(charge_id="ch_unknown") is None
    assert charge_refresh(charge_id="") is None
    assert dispute_refresh(dispute_id="du_unknown") is None


# --- A month of premium ------------------------------------------------------------------------


def test_a_refunded_month_ends_today_and_what_was_used_is_owed(shop, user, month):
    shop.use(user, 10_000 + 12_000)
    shop.move(DAY)
    shop.use(user, 7_000)
    shop.emulated.refund(month.charge_id)
    shop.tell()
    yesterday, today = daily(user, (shop.now - DAY).date()), daily(user, shop.now.date())
    assert (yesterday.spent, yesterday.owed) == (12_000, 12_000)
    assert (today.available, today.spent, today.voided, today.owed) == (0, 7_000, 23_000, 7_000)
    standing = standing_of(user, shop.now)
    assert (standing.subscription_status, standing.debt, standing.available) == ("free", 19_000, 0)
    shop.move(DAY)
    assert shop.available(user) == 0
    # Tokens that are bought later pay it.
    shop.buy(user, "tokens_200k")
    assert standing_of(user, shop.now).debt == 0
    assert shop.available(user) == 181_000


def test_a_disputed_month_waits_and_a_won_one_goes_on(shop, user, month):
    shop.use(user, 10_000 + 12_000)
    dispute = shop.emulated.dispute(month.charge_id)
    shop.tell()
    assert shop.available(user) == 0
    shop.move(DAY)
    assert shop.available(user) == 0
    shop.emulated.resolve_dispute(dispute["id"], "won")
    shop.tell()
    assert shop.available(user) == 30_000
    period = PremiumPeriod.objects.get()
    assert period.ends_at - period.starts_at == timedelta(days=30)
    assert standing_of(user, shop.now).debt == 0


def test_a_lost_month_is_owed(shop, user, month):
    shop.use(user, 10_000 + 12_000)
    dispute = shop.emulated.dispute(month.charge_id)
    shop.tell()
    shop.move(DAY)
    shop.emulated.resolve_dispute(dispute["id"], "lost")
    shop.tell()
    assert standing_of(user, shop.now).debt == 12_000
    assert shop.available(user) == 0


def test_part_of_a_month_refunded_is_for_staff_to_look_at_once(shop, user, month):
    shop.emulated.refund(month.charge_id, 300)
    shop.tell()
    assert shop.available(user) == 40_000
    key = f"premium-partial-refund:{month.source}"
    assert alerts() == [key]
    StaffAlert.objects.update(resolved_at=shop.now)
    payment_refresh(payment_id=month.pk)
    assert not StaffAlert.objects.filter(resolved_at=None).exists()
    shop.emulated.refund(month.charge_id, 300)
    shop.tell()
    assert StaffAlert.objects.get(resolved_at=None).key == key


def test_a_month_refunded_before_we_knew_of_it_gives_nothing(shop, user):
    order = shop.order(user, "premium_monthly")
    shop.emulated.pay(order.checkout_session_id)
    (charge,) = [
        event["data"]["object"]["id"] for event in shop.emulated.events("charge.succeeded")
    ]
    shop.emulated.refund(charge)
    shop.tell()
    assert shop.available(user) == 10_000
    assert PremiumPeriod.objects.get().ends_at == PremiumPeriod.objects.get().starts_at


def test_a_new_subscription_after_a_refund_gives_the_same_day_back(shop, user, month):
    shop.use(user, 10_000 + 12_000)
    shop.emulated.refund(month.charge_id)
    shop.end_at_once(month.order)
    assert (shop.available(user), standing_of(user, shop.now).debt) == (0, 12_000)
    shop.subscribe(user)
    assert (shop.available(user), standing_of(user, shop.now).debt) == (18_000, 0)
    assert Grant.objects.filter(kind="premium_daily").count() == 1
