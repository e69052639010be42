"""Model lists. OpenRouter's own shape; the others carry its telling fields as extras."""

from __future__ import annotations

from typing import Any

from emulators.ai.catalog import MODELS, Model, Provider

_CREATED = 1_710_000_000


def model_listing(provider: Provider) -> dict[str, Any]:
    """The body of GET /models for a provider."""
    models = MODELS[provider]
    if provider == "openrouter":
        return {"data": [_openrouter_row(model) for model in models]}
    if provider == "anthropic":
        rows = [_anthropic_row(model) for model in models]
        return {
            "data": rows,
            "has_more": False,
            "first_id": models[0].id,
            "last_id": models[-1].id,
        }
    return {"object": "list", "data": [_openai_row(model) for model in models]}


def _facts(model: Model) -> dict[str, Any]:
    inputs = ["text", "image"] if model.vision else ["text"]
    return {
        "context_length": model.context_tokens,
        "architecture": {
            "modality": "text+image->text" if model.vision else "text->text",
            "input_modalities": inputs,
            "output_modalities": ["text"],
            "tokenizer": "Other",
            "instruct_type": None,
        },
        # Dollars per token, as strings.
        "pricing": {
            "prompt": _plain(model.input_price),
            "completion": _plain(model.output_price),
            "request": "0",
            "image": "0",
        },
        "top_provider": {
            "context_length": model.context_tokens,
            "max_completion_tokens": model.max_output_tokens,
            "is_moderated": False,
        },
    }


def _plain(dollars_per_million: Any) -> str:
    return format(dollars_per_million / 1_000_000, "f")


def _openrouter_row(model: Model) -> dict[str, Any]:
    row = {
        "id": model.id,
        "canonical_slug": model.id,
        "name": model.name,
        "created": _CREATED,
        "description": model.name,
    }
    extras = {
        "per_request_limits": None,
        "supported_parameters": ["max_tokens", "temperature", "top_p", "stop"],
    }
    return row | _facts(model) | extras


def _openai_row(model: Model) -> dict[str, Any]:
    row = {"id": model.id, "object": "model", "created": _CREATED, "owned_by": model.maker.lower()}
    return row | _facts(model)


def _anthropic_row(model: Model) -> dict[str, Any]:
    row = {
        "type": "model",
        "id": model.id,
        "display_name": model.name,
        "created_at": "2024-03-07T00:00:00Z",
    }
    return row | _facts(model)
