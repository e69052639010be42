"""What the calls of the control take."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Body(BaseModel):
    """Bodies of the control know their fields."""

    model_config = ConfigDict(extra="forbid")


class Advance(Body):
    """Move the clock by seconds, or to a moment (seconds since 1970)."""

    seconds: float | None = Field(None, ge=0)
    until: float | None = None


class Pay(Body):
    """card: a test card's number, `declined` or `delayed`."""

    card: str = "4242424242424242"
    email: str = ""


class Settle(Body):
    """How a bank debit ends."""

    succeeded: bool = True


class Renewals(Body):
    """How many of a customer's next charges fail, and why."""

    declines: int = Field(ge=0)
    decline_code: Literal["generic_decline", "insufficient_funds", "expired_card"] = (
        "generic_decline"
    )


class Refund(Body):
    """amount: in minor units; the rest where it is not given."""

    charge: str
    amount: int | None = None


class Dispute(Body):
    charge: str
    amount: int | None = None
    reason: str = "fraudulent"
    inquiry: bool = False


class Verdict(Body):
    won: bool


class Mode(Body):
    mode: Literal["on", "hold", "drop"]


class Deliver(Body):
    """Events to deliver now, in this order and as often as they are named."""

    events: list[str]


class Idle(Body):
    timeout_seconds: float = Field(30, ge=0, le=600)
