"""What must be so: after every step, and once Stripe has told everything."""

from __future__ import annotations

from datetime import datetime

from emulators.stripe.inprocess import EmulatedHere
from tests.billing.premium.books import Books, Paid, Pocket, Premium
from tests.billing.premium.truth import DAY, GRACE, Money, StripeObject, Truth

# By their price. A cent of the second one buys no whole number of tokens.
PACKAGE_TOKENS = {500: 200_000, 1_500: 1_000_000}
PREMIUM_TOKENS, FREE_TOKENS = 30_000, 10_000


def check_always(books: Books, truth: Truth) -> None:
    """After every step, whatever was told or not."""
    assert books.least_movement > 0
    for pocket in books.pockets.values():
        adds_up(pocket)
        comes_from_something(pocket, books, truth)
    months_are_paid_or_in_grace(books, truth)
    days = [each for each in books.pockets.values() if each.kind == "premium_daily"]
    assert len({day.start for day in days}) == len(days)
    for day in days:
        day_is_somebodys(day, books)


def adds_up(pocket: Pocket) -> None:
    assert pocket.moved == {"issued": -pocket.amount, **pocket.totals}
    assert min(pocket.totals.values()) >= 0
    assert 0 <= pocket.taken <= pocket.amount
    assert pocket.debts == pocket.owed >= 0
    # A debt comes of money that went back, and of nothing else.
    assert pocket.owed <= pocket.taken
    assert not (pocket.owed and pocket.totals["available"])


def comes_from_something(pocket: Pocket, books: Books, truth: Truth) -> None:
    """Each thing that was paid gave tokens once, by its own name, and the tokens it is for."""
    if pocket.kind == "purchased":
        _, _, session_id = pocket.source.partition(":")
        assert session_id in truth.packages
        assert pocket.amount == PACKAGE_TOKENS[truth.packages[session_id]["amount_total"]]
        assert books.payments[session_id].tokens == pocket.amount
        if pocket.taken:
            assert books.payments[session_id].reversals
    elif pocket.kind == "premium_daily":
        assert pocket.amount == PREMIUM_TOKENS
    else:
        assert (pocket.kind, pocket.amount, pocket.taken) == ("free_monthly", FREE_TOKENS, 0)


def months_are_paid_or_in_grace(books: Books, truth: Truth) -> None:
    assert books.payments.keys() <= truth.packages.keys() | truth.months.keys()
    for period in books.periods.values():
        if period.kind == "paid":
            month = truth.months[period.source.removeprefix("invoice:")]
            assert (period.start, period.billed_end) == (month.start, month.end)
            assert month.invoice in books.payments
        else:
            assert period.start in truth.ends_of(period.subscription)
            assert period.billed_end <= period.start + GRACE
    graces = [each for each in books.periods.values() if each.kind == "grace"]
    assert len({(each.subscription, each.start) for each in graces}) == len(graces)


def day_is_somebodys(day: Pocket, books: Books) -> None:
    """It was made because of a period; it is taken if and only if nobody paid for it."""
    covering = [period for period in books.periods.values() if covers(period, day)]
    assert covering
    months = [paid for paid in map(books.payments.get, map(invoice_of, covering)) if paid]
    if any(month.kept for month in months):
        assert day.taken == 0
    elif months and all(month.reversed for month in months) and len(months) == len(covering):
        assert day.totals["available"] <= day.paid
        assert 0 <= day.taken - (day.amount - day.totals["expired"]) <= day.paid


def check_told(books: Books, truth: Truth, now: datetime) -> None:
    """Once everything was told: what Stripe says, no more and no less."""
    assert books.payments.keys() == truth.packages.keys() | truth.months.keys()
    for session_id, session in truth.packages.items():
        paid, money = books.payments[session_id], truth.money_of(session["payment_intent"])
        says_what_went_back(paid, money)
        package_is_taken_back(books.pockets[f"purchase:{session_id}"], money)
    for invoice_id, month in truth.months.items():
        says_what_went_back(books.payments[invoice_id], month.money)
        period = books.periods[f"invoice:{invoice_id}"]
        assert period.cut == (not month.money.kept)
        if period.cut:
            today = now.replace(hour=0, minute=0, second=0, microsecond=0)
            assert period.end <= max(today, period.start)
    entitled = any(touches(each, now) for each in books.periods.values())
    assert truth.premium_must(now) <= entitled <= truth.premium_may(now)


def check_withheld(books: Books, emulated: EmulatedHere, dispute: StripeObject) -> None:
    """Right after the word of a dispute: what it is about can not be spent while it is open."""
    charge = emulated.get("charge", dispute["charge"])
    paid = next((p for p in books.payments.values() if p.charge == charge["id"]), None)
    if paid is None or paid.dispute != "open" or dispute["status"] != "needs_response":
        return
    pocket = books.pockets.get(f"purchase:{paid.source}")
    if pocket is None:
        return
    contested = pocket.amount * dispute["amount"] // charge["amount"]
    assert pocket.totals["available"] <= pocket.amount - contested + pocket.paid


def says_what_went_back(paid: Paid, money: Money) -> None:
    assert (paid.cents, paid.refunded) == (money.cents, money.refunded)
    assert (paid.dispute == "lost") == bool(money.lost)
    assert (paid.dispute == "open") == bool(money.open)
    if money.lost or money.open:
        assert paid.disputed == (money.lost or money.open)


def package_is_taken_back(pocket: Pocket, money: Money) -> None:
    """The part of the tokens that the money is of, rounded down. While it is contested also what
    is left, up to the part that is contested."""
    firm = pocket.amount * money.gone // money.cents
    withheld = pocket.amount * max(money.gone, money.open) // money.cents
    assert firm <= pocket.taken <= withheld


def invoice_of(period: Premium) -> str:
    return period.source.removeprefix("invoice:")


def covers(period: Premium, day: Pocket) -> bool:
    return period.start < day.start + DAY and period.billed_end > day.start


def touches(period: Premium, now: datetime) -> bool:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    starts_before_it_ends = period.start < period.end
    return starts_before_it_ends and period.start < midnight + DAY and period.end > midnight
