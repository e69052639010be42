"""The moved clock: renewals, failures, recoveries, cancellations, month ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from dateutil.relativedelta import relativedelta  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from emulators.stripe.periods import period_start
from emulators.stripe.testing import StripeControl, stripe_emulator
from tests.emulators.stripe.shop import Shop

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
HOUR_SECONDS = 3_600


def at(*date: int) -> datetime:
    return datetime(*date, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.fixture
def january() -> Iterator[Shop]:
    """A shop on the 31st of January 2027, whose clock stands still."""
    with stripe_emulator(start=at(2027, 1, 31, 12), frozen=True) as control:
        yield Shop(control)


def advanced(emulated: StripeControl, moment: datetime) -> None:
    emulated.advance(until=moment)


@given(MOMENTS, st.sampled_from(["month", "year"]), st.integers(1, 3), st.integers(0, 60))
def test_months_end_where_dateutil_says(
    anchor: datetime, interval: str, count: int, number: int
) -> None:
    step = relativedelta(**{f"{interval}s": count * number})
    expected = int((anchor + step).timestamp())
    start = int(anchor.timestamp())
    assert period_start(start, interval=interval, interval_count=count, number=number) == expected


def test_the_31st_comes_back_after_february(january: Shop) -> None:
    started = january.subscribed()
    ends = []
    for _ in range(5):
        item = january.subscription(started.id)["items"].data[0]
        ends.append(datetime.fromtimestamp(item.current_period_end, UTC))
        january.emulated.advance(until=item.current_period_end + 2 * HOUR_SECONDS)
    assert ends == [at(2027, month, day, 12) for month, day in
                    ((2, 28), (3, 31), (4, 30), (5, 31), (6, 30))]  # fmt: skip
    assert [invoice.status for invoice in january.invoices()] == ["paid"] * 6


def test_a_renewal_is_a_draft_for_an_hour_and_then_charged(january: Shop) -> None:
    started = january.subscribed()
    end = started["items"].data[0].current_period_end
    january.emulated.advance(until=end - 1)
    assert len(january.invoices()) == 1
    january.emulated.advance(until=end)
    renewed = january.subscription(started.id)
    assert renewed.status == "active"
    assert renewed["items"].data[0].current_period_start == end
    draft = january.invoices()[1]
    assert (draft.status, draft.billing_reason) == ("draft", "subscription_cycle")
    assert draft.lines.data[0].period.start == end
    assert draft.period_end == end
    january.emulated.advance(HOUR_SECONDS)
    assert january.invoices()[1].status == "paid"
    kinds = [event["type"] for event in january.emulated.events()]
    after = kinds[kinds.index("checkout.session.completed") + 1 :]
    assert after == [
        "invoice.created",
        "customer.subscription.updated",
        "payment_intent.created",
        "invoice.finalized",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]


def test_a_failed_renewal_recovers_on_the_third_day(january: Shop) -> None:
    started = january.subscribed()
    end = started["items"].data[0].current_period_end
    january.emulated.fail_renewals(january.customer.id, 1)
    january.emulated.advance(until=end + HOUR_SECONDS)
    assert january.subscription(started.id).status == "past_due"
    owing = january.invoices()[1]
    assert (owing.status, owing.attempt_count) == ("open", 1)
    assert owing.next_payment_attempt == end + HOUR_SECONDS + 3 * 86_400
    january.emulated.advance(until=end + HOUR_SECONDS + 3 * 86_400 - 1)
    assert january.subscription(started.id).status == "past_due"
    january.emulated.advance(1)
    assert january.subscription(started.id).status == "active"
    assert january.invoices()[1].status == "paid"


@pytest.mark.parametrize(
    ("after_retries", "status"),
    [("cancel", "canceled"), ("unpaid", "unpaid"), ("past_due", "past_due")],
)
def test_a_renewal_that_always_fails_ends_as_the_account_says(
    january: Shop, after_retries: str, status: str
) -> None:
    january.emulated.settings(after_retries=after_retries, retry_days=[1, 2])
    started = january.subscribed(card="4000000000000341")
    january.emulated.advance(days=28 + 3.5)
    lost = january.subscription(started.id)
    assert lost.status == status
    invoice = january.invoices()[1]
    assert (invoice.status, invoice.attempt_count) == ("open", 3)
    assert invoice.next_payment_attempt is None
    if status == "canceled":
        assert lost.cancellation_details is not None
        assert lost.cancellation_details.reason == "payment_failed"
        assert lost.ended_at == invoice.created + HOUR_SECONDS + 3 * 86_400
        january.emulated.advance(days=60)
        assert len(january.invoices()) == 2


def test_a_cancelled_subscription_lasts_to_the_end_of_what_was_paid(january: Shop) -> None:
    started = january.subscribed()
    end = started["items"].data[0].current_period_end
    update = january.client.v1.subscriptions.update
    cancelling = update(started.id, {"cancel_at_period_end": True})
    assert (cancelling.status, cancelling.cancel_at) == ("active", end)
    assert cancelling.cancel_at_period_end is True
    kept = update(started.id, {"cancel_at_period_end": False})
    assert (kept.cancel_at, kept.canceled_at) == (None, None)
    update(started.id, {"cancel_at_period_end": True})
    january.emulated.advance(until=end - 1)
    assert january.subscription(started.id).status == "active"
    january.emulated.advance(1)
    ended = january.subscription(started.id)
    assert (ended.status, ended.ended_at) == ("canceled", end)
    assert len(january.invoices()) == 1
    assert january.emulated.events()[-1]["type"] == "customer.subscription.deleted"


def test_a_subscription_cancelled_now_ends_now(january: Shop) -> None:
    started = january.subscribed()
    january.emulated.advance(days=3)
    ended = january.client.v1.subscriptions.cancel(started.id)
    assert (ended.status, ended.ended_at) == ("canceled", january.emulated.now())
    january.emulated.advance(days=60)
    assert len(january.invoices()) == 1
    assert january.client.v1.subscriptions.list({}).data == []


def test_a_year_of_renewals_in_one_step(january: Shop) -> None:
    january.subscribed()
    january.emulated.advance(until=at(2028, 2, 1))
    invoices = january.invoices()
    assert [invoice.status for invoice in invoices] == ["paid"] * 13
    starts = [line.period.start for invoice in invoices for line in invoice.lines.data]
    ends = [line.period.end for invoice in invoices for line in invoice.lines.data]
    assert starts[1:] == ends[:-1]
    charges = january.client.v1.charges.list({"limit": 100}).data
    assert sum(charge.amount for charge in charges) == 13_000


def test_the_clock_is_never_set_back(january: Shop) -> None:
    now = january.emulated.now()
    with pytest.raises(ValueError, match="never set back"):
        january.emulated.advance(until=at(2026, 1, 1))
    assert january.emulated.now() == now


def test_the_clock_ticks_unless_it_is_frozen(emulated: StripeControl, january: Shop) -> None:
    ahead = timedelta(days=1).total_seconds()
    before = emulated.now()
    assert 0 <= emulated.advance(ahead) - before - ahead < 600
    assert january.emulated.advance(0.5) == january.emulated.advance(0)


def test_a_renewal_without_a_card_fails_and_one_with_a_new_card_is_paid(january: Shop) -> None:
    started = january.subscribed()
    method_id = started.default_payment_method
    assert isinstance(method_id, str)
    january.client.v1.payment_methods.detach(method_id)
    january.emulated.advance(days=29)
    assert january.subscription(started.id).status == "past_due"
    owing = january.invoices()[1]
    with pytest.raises(stripe.CardError, match="default_payment_method"):
        january.client.v1.invoices.pay(str(owing.id))
    method = january.client.v1.payment_methods.attach(
        "pm_card_visa", {"customer": january.customer.id}
    )
    january.client.v1.subscriptions.update(started.id, {"default_payment_method": method.id})
    assert january.client.v1.invoices.pay(str(owing.id)).status == "paid"
    assert january.subscription(started.id).status == "active"
