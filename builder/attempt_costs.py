"""What one call of a provider cost us. Whether the user pays for it is another matter."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from models_catalog.costs import cost_stored, token_cost_usd
from models_catalog.selectors import RouteTarget


@dataclass(frozen=True, slots=True)
class AttemptCost:
    """usd: None where it is unknown. estimated: from tokens and the route's prices, not told."""

    usd: Decimal | None = None
    estimated: bool = False


def attempt_cost(
    target: RouteTarget, *, told_usd: Decimal | None, input_tokens: int, output_tokens: int
) -> AttemptCost:
    """The provider's own word, else its list price times the tokens. No statement: the target
    carries the prices it was planned with."""
    if told_usd is not None:
        return AttemptCost(cost_stored(told_usd))
    usd = token_cost_usd(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        input_usd_per_million=target.input_usd_per_million,
        output_usd_per_million=target.output_usd_per_million,
    )
    return AttemptCost(usd, estimated=usd is not None)
