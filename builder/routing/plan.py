"""The ways a run may take, in order: the model's own routes, then what the person allowed."""

from __future__ import annotations

from dataclasses import dataclass

from builder.models import Run
from config.errors import NotFound
from models_catalog.models import AIModel
from models_catalog.pricing import Price, price_of
from models_catalog.selectors import RouteTarget, fallbacks_of, model_get, routes_of

# The least room that is worth asking another model for; below it no page is ever whole.
LEAST_ANSWER_TOKENS = 200


@dataclass(frozen=True, slots=True)
class PlannedRoute:
    """One way. max_output_tokens: the model's own, a hard limit of the answer.

    price: of a fallback, as it is now; None for the model that was asked, whose price was quoted.
    """

    target: RouteTarget
    model_name: str
    max_output_tokens: int
    price: Price | None = None

    @property
    def is_fallback(self) -> bool:
        return self.price is not None


@dataclass(frozen=True, slots=True)
class Plan:
    """`model_name`: of the model that was asked. `routes`: first tried first."""

    model_name: str
    routes: tuple[PlannedRoute, ...]


def plan_for(run: Run, *, input_tokens: int, pictures: bool) -> Plan:
    """The routes of the run's model by priority, then those of its fallbacks where allowed.

    input_tokens: what will be sent, by our count. pictures: only models that see them fit.
    Two statements, and two more where fallbacks are allowed. No routes: nothing can serve it.
    """
    try:
        model = model_get(run.model_slug)
    except NotFound:
        return Plan(run.model_slug, ())
    own = [PlannedRoute(target, model.name, run.max_output_tokens) for target in routes_of(model)]
    others = fallbacks_of(model) if run.allow_fallback else []
    fallbacks = [
        route
        for other in others
        for route in _fallback_routes(run, other, input_tokens=input_tokens, pictures=pictures)
    ]
    return Plan(model.name, (*own, *fallbacks))


def _fallback_routes(
    run: Run, model: AIModel, *, input_tokens: int, pictures: bool
) -> list[PlannedRoute]:
    """A fallback's routes, none where the request does not fit it."""
    room = model.context_window - input_tokens
    if room < LEAST_ANSWER_TOKENS or (pictures and not model.vision):
        return []
    most = min(run.max_output_tokens, model.max_output_tokens, room)
    price = price_of(model)
    return [PlannedRoute(target, model.name, most, price) for target in routes_of(model)]
