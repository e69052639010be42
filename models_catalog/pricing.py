"""What a model's answer costs, in tokens: pure and exact.

The rule is published in `docs/pricing.md`, whose worked examples run as a test:
`ceil(token_cost × (output_tokens + input_weight × input_tokens))`, rounded up once at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

PER_TOKEN: Final = "per_token"  # noqa: S105 - a billing unit, no secret
PER_REQUEST: Final = "per_request"
# What a flat price affords: more output than any model gives, and still a 32-bit integer.
UNBOUNDED_OUTPUT_TOKENS: Final = 2_147_483_647
# The one-page site that price lists use as their example, in the model's own tokens.
TYPICAL_PAGE_INPUT_TOKENS: Final = 1_000
TYPICAL_PAGE_OUTPUT_TOKENS: Final = 2_500


@dataclass(frozen=True, slots=True)
class Price:
    """A model's price as quoted. `token_cost` is per output token, or per request when flat."""

    token_cost: int
    input_weight: Decimal
    billing_unit: str

    def __post_init__(self) -> None:
        if self.token_cost < 1:
            raise ValueError("token_cost must be at least 1")
        if not 0 <= self.input_weight <= 1:
            raise ValueError("input_weight must be from 0 to 1")
        if self.billing_unit not in (PER_TOKEN, PER_REQUEST):
            raise ValueError(f"unknown billing unit {self.billing_unit!r}")


class Priced(Protocol):
    """Whatever carries the three price columns: a catalogue row, or a run with its quote."""

    token_cost: int
    input_weight: Decimal
    billing_unit: str


def price_of(priced: Priced) -> Price:
    """The price on a catalogue row, or the one a run was quoted."""
    return Price(
        token_cost=priced.token_cost,
        input_weight=Decimal(priced.input_weight),
        billing_unit=str(priced.billing_unit),
    )


def charge(price: Price, *, input_tokens: int, output_tokens: int) -> int:
    """Tokens taken from the user for that usage. Raises ValueError for a negative count."""
    if input_tokens < 0 or output_tokens < 0:
        raise ValueError("token counts are never negative")
    if price.billing_unit == PER_REQUEST:
        return price.token_cost
    # The weight as a fraction keeps everything in integers; -(-a // b) rounds up.
    weight, unit = price.input_weight.as_integer_ratio()
    return -(-price.token_cost * (output_tokens * unit + input_tokens * weight) // unit)


def affordable_output_tokens(price: Price, *, budget_tokens: int, input_tokens: int) -> int:
    """The most output tokens whose charge fits the budget.

    0 also when not even the input fits: compare `charge(…, output_tokens=0)` to tell. A flat
    price that fits affords `UNBOUNDED_OUTPUT_TOKENS`.
    """
    if input_tokens < 0 or budget_tokens < 0:
        raise ValueError("token counts are never negative")
    if price.billing_unit == PER_REQUEST:
        return UNBOUNDED_OUTPUT_TOKENS if price.token_cost <= budget_tokens else 0
    weight, unit = price.input_weight.as_integer_ratio()
    left = budget_tokens * unit - price.token_cost * input_tokens * weight
    return max(0, left // (price.token_cost * unit))
