"""`GET /api/models`: what can be chosen and what it costs. Public."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from accounts.api_schema import ApiSchema
from models_catalog.selectors import ModelRow, models_listed

router = Router(tags=["models"])


class ModelOut(ApiSchema):
    """`available` is false with `unavailableReason` in words; the reason is null otherwise."""

    id: str
    name: str
    maker: str
    provider: str
    token_cost: int
    billing_unit: str
    input_weight: float
    vision: bool
    context_window: int
    max_output_tokens: int
    tagline: str
    available: bool
    unavailable_reason: str | None


class ModelsOut(ApiSchema):
    models: list[ModelOut]


@router.get("/models", auth=None, response=ModelsOut, by_alias=True, summary="List the models")
def list_models(request: HttpRequest) -> dict[str, Any]:
    """Every model of the catalogue, also those that are unavailable, with the reason.

    A run costs `ceil(tokenCost × (outputTokens + inputWeight × inputTokens))` tokens; where
    `billingUnit` is `per_request`, `tokenCost` tokens flat.
    """
    return {"models": [_model_out(row) for row in models_listed()]}


def _model_out(row: ModelRow) -> ModelOut:
    model = row.model
    return ModelOut(
        id=model.slug,
        name=model.name,
        maker=model.maker,
        provider=row.provider,
        token_cost=row.price.token_cost,
        billing_unit=row.price.billing_unit,
        input_weight=float(row.price.input_weight),
        vision=model.vision,
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        tagline=model.tagline,
        available=row.availability.available,
        unavailable_reason=row.availability.reason or None,
    )
