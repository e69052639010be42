"""Which provider to call for a run, and whether the next one may be tried.

The seam for smart routing: an ordered list of attempts, and one rule about moving on.
"""

from __future__ import annotations

from builder.models import Run
from builder.providers.errors import ProviderError
from config.errors import NotFound
from models_catalog.selectors import RouteTarget, model_get, routes_of


def attempts_for(run: Run) -> list[RouteTarget]:
    """The routes of the run's model, first tried first. Empty: nothing can serve it now."""
    try:
        return routes_of(model_get(run.model_slug))
    except NotFound:
        return []


def may_try_next(error: ProviderError) -> bool:
    """Whether another route may answer after this failure. Only asked before the first content:
    a second model's text is never appended to a first one's."""
    return not error.permanent
