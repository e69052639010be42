"""The catalogue's comparison with the providers, with what our tokens are worth put in."""

from __future__ import annotations

from builder.token_value import token_usd_least
from config.errors import Conflict
from models_catalog.truth.comparisons import comparison_ask, comparison_do


def catalogue_check() -> dict[str, str]:
    """Read every provider's list and renew all findings: provider → outcome. Nothing while
    another comparison is being done."""
    try:
        comparison = comparison_ask()
    except Conflict:
        return {}
    return catalogue_compare(comparison.pk)


def catalogue_compare(comparison_id: int) -> dict[str, str]:
    """Do the comparison that was asked for: provider → outcome. Once, however often it comes."""
    results = comparison_do(comparison_id=comparison_id, token_usd=token_usd_least())
    return {result.provider.slug: result.outcome.value for result in results}
