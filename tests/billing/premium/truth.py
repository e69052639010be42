"""What must be so, worked out from Stripe's world alone: who paid what, what went back, who has
premium. No row of ours is asked, no function of ours is called.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from emulators.stripe.inprocess import EmulatedHere

DAY = timedelta(days=1)
GRACE = timedelta(days=3)
StripeObject = dict[str, Any]


@dataclass(frozen=True)
class Money:
    """What became of a charge, in cents. lost, open: of disputes in that state."""

    cents: int
    refunded: int
    lost: int
    open: int

    @property
    def gone(self) -> int:
        return min(self.cents, max(self.refunded, self.lost))

    @property
    def reversed(self) -> bool:
        return self.refunded >= self.cents or self.lost > 0

    @property
    def kept(self) -> bool:
        return not self.reversed and not self.open


@dataclass(frozen=True)
class Month:
    """A paid invoice: which time it is for."""

    invoice: str
    subscription: str
    start: datetime
    end: datetime
    money: Money


class Truth:
    """One look at an account, as it is now."""

    def __init__(self, emulated: EmulatedHere) -> None:
        self._emulated = emulated
        self.packages = {
            session["id"]: session
            for session in emulated.all("checkout.session")
            if session["mode"] == "payment" and session["payment_status"] == "paid"
        }
        self.months = {
            invoice["id"]: self._month(invoice)
            for invoice in emulated.all("invoice")
            if invoice["status"] == "paid"
        }

    def money_of(self, intent_id: str) -> Money:
        charge = self._emulated.get(
            "charge", self._emulated.get("payment_intent", intent_id)["latest_charge"]
        )
        sums = {"lost": 0, "needs_response": 0, "won": 0}
        for dispute in self._emulated.all("dispute"):
            if dispute["charge"] == charge["id"] and dispute["status"] in sums:
                sums[dispute["status"]] += dispute["amount"]
        # Of a charge that was lost once, nobody asks whether it may be lost again.
        contested = 0 if sums["lost"] else sums["needs_response"]
        return Money(charge["amount"], charge["amount_refunded"], sums["lost"], contested)

    def premium_must(self, now: datetime) -> bool:
        """Somebody paid for a part of today and has not got the money back, or it could not be
        collected and these are the first three days of trying."""
        if any(month.money.kept and _touches(now, month.start, month.end) for month in self._all()):
            return True
        return any(
            _touches(now, last.end, last.end + GRACE) and last.money.kept
            for last in map(self._last_of, self._emulated.all("subscription"))
            if last is not None and self._status(last.subscription) == "past_due"
        )

    def premium_may(self, now: datetime) -> bool:
        """Or it is one of the three days after the end of a month, and the next failed once."""
        return self.premium_must(now) or any(
            _touches(now, month.end, month.end + GRACE)
            for month in self._all()
            if self._failed(month)
        )

    def ends_of(self, subscription_id: str) -> list[datetime]:
        """When each of its paid months ends."""
        return [month.end for month in self._all() if month.subscription == subscription_id]

    def _all(self) -> list[Month]:
        return list(self.months.values())

    def _last_of(self, subscription: StripeObject) -> Month | None:
        mine = [month for month in self._all() if month.subscription == subscription["id"]]
        return max(mine, key=lambda month: month.start, default=None)

    def _status(self, subscription_id: str) -> str:
        return str(self._emulated.get("subscription", subscription_id)["status"])

    def _failed(self, month: Month) -> bool:
        return any(
            invoice["attempt_count"] > 0 and _line_of(invoice)[0] == month.end
            for invoice in self._emulated.all("invoice")
            if _subscription_of(invoice) == month.subscription
        )

    def _month(self, invoice: StripeObject) -> Month:
        start, end = _line_of(invoice)
        links = self._emulated.all("invoice_payment")
        intents = [
            link["payment"]["payment_intent"] for link in links if link["invoice"] == invoice["id"]
        ]
        money = self.money_of(intents[0])
        return Month(invoice["id"], _subscription_of(invoice), start, end, money)


def _line_of(invoice: StripeObject) -> tuple[datetime, datetime]:
    period = invoice["lines"]["data"][0]["period"]
    return datetime.fromtimestamp(period["start"], UTC), datetime.fromtimestamp(period["end"], UTC)


def _subscription_of(invoice: StripeObject) -> str:
    return str(invoice["parent"]["subscription_details"]["subscription"])


def _touches(now: datetime, start: datetime, end: datetime) -> bool:
    """Whether a stretch of time has some part of the UTC day of `now`."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return start < end and start < midnight + DAY and end > midnight
