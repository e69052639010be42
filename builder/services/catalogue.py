"""The catalogue's comparison with the providers, with what our tokens are worth put in."""

from __future__ import annotations

from builder.token_value import token_usd_least
from models_catalog.truth.services import ProviderResult, catalogue_compare


def catalogue_check() -> list[ProviderResult]:
    """Read every provider's list and renew all findings; see `catalogue_compare`."""
    return catalogue_compare(token_usd=token_usd_least())
