"""What models cost us, in US dollars, and whether a price in tokens covers it. Exact decimals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from models_catalog.models import Route
from models_catalog.pricing import (
    PER_REQUEST,
    TYPICAL_PAGE_INPUT_TOKENS,
    TYPICAL_PAGE_OUTPUT_TOKENS,
    Price,
)

MILLION: Final = 1_000_000
# What the column for an attempt's cost holds: eight places, and less than 10,000 dollars.
COST_STEP: Final = Decimal("0.00000001")
COST_MAX: Final = Decimal("9999.99999999")
WEIGHT_STEP: Final = Decimal("0.001")
WEIGHT_USUAL: Final = Decimal("0.2")


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A price in tokens that brings less than the model costs; dollars per million tokens.

    For a flat price per request the two outputs are those of the typical page instead, in
    dollars, and the inputs are 0. least_token_cost: what would cover it with the same input
    weight; None where no token cost does (the weight is 0 and input is not free).
    """

    earned_input_usd: Decimal
    earned_output_usd: Decimal
    cost_input_usd: Decimal
    cost_output_usd: Decimal
    least_token_cost: int | None


def token_cost_usd(
    *,
    input_tokens: int,
    output_tokens: int,
    input_usd_per_million: Decimal | None,
    output_usd_per_million: Decimal | None,
) -> Decimal | None:
    """Dollars for that usage at those prices, to eight places; None where a price is unknown."""
    if input_usd_per_million is None or output_usd_per_million is None:
        return None
    total = input_tokens * input_usd_per_million + output_tokens * output_usd_per_million
    return cost_stored(total / MILLION)


def cost_stored(dollars: Decimal) -> Decimal:
    """Dollars as an attempt keeps them: to eight places, never negative, never too large."""
    kept = min(max(dollars, Decimal(0)), COST_MAX)
    return kept.quantize(COST_STEP, rounding=ROUND_HALF_UP)


def route_cost_usd(
    *, provider_slug: str, provider_model_id: str, input_tokens: int, output_tokens: int
) -> Decimal | None:
    """The same at the prices of the route as they are now; None for an unknown route or price."""
    prices = (
        Route.objects.filter(provider__slug=provider_slug, provider_model_id=provider_model_id)
        .values_list("input_usd_per_million", "output_usd_per_million")
        .first()
    )
    if prices is None:
        return None
    return token_cost_usd(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        input_usd_per_million=prices[0],
        output_usd_per_million=prices[1],
    )


def shortfall(
    price: Price, *, input_usd: Decimal, output_usd: Decimal, token_usd: Decimal
) -> Shortfall | None:
    """Where the price brings less than the provider charges; None where it covers both.

    input_usd, output_usd: the provider's, per million tokens. token_usd: what one of our tokens
    brings at least.
    """
    if price.billing_unit == PER_REQUEST:
        return _flat_shortfall(price, input_usd, output_usd, token_usd)
    earned_output = price.token_cost * token_usd * MILLION
    earned_input = earned_output * price.input_weight
    if earned_output >= output_usd and earned_input >= input_usd:
        return None
    least: int | None = math.ceil(output_usd / (token_usd * MILLION))
    if input_usd > 0:
        weighted = price.input_weight * token_usd * MILLION
        least = max(least or 1, math.ceil(input_usd / weighted)) if weighted else None
    return Shortfall(earned_input, earned_output, input_usd, output_usd, least)


def _flat_shortfall(
    price: Price, input_usd: Decimal, output_usd: Decimal, token_usd: Decimal
) -> Shortfall | None:
    cost = (
        TYPICAL_PAGE_INPUT_TOKENS * input_usd + TYPICAL_PAGE_OUTPUT_TOKENS * output_usd
    ) / MILLION
    earned = price.token_cost * token_usd
    if earned >= cost:
        return None
    return Shortfall(Decimal(0), earned, Decimal(0), cost, math.ceil(cost / token_usd))


def covering_price(
    *, input_usd: Decimal, output_usd: Decimal, token_usd: Decimal
) -> tuple[int, Decimal]:
    """The least (token cost, input weight) that covers a provider's dollars per million."""
    million_usd = token_usd * MILLION
    token_cost = max(1, math.ceil(max(input_usd, output_usd) / million_usd))
    steps = math.ceil(input_usd / (token_cost * million_usd) / WEIGHT_STEP)
    return token_cost, min(Decimal(1), max(WEIGHT_USUAL, steps * WEIGHT_STEP))
