"""Reads that put the catalogue in the shape the public pages show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models_catalog.models import Provider
from models_catalog.selectors import KeyState, ModelRow, key_state, models_listed, provider_problem

# Prices are compared on the model most people start with.
USUAL_MODEL = "claude-3-haiku"
TOKENS_MOST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ProviderState:
    """One provider today. problem: why nothing can be sent to it, "" when it answers."""

    name: str
    problem: str
    emulated: bool
    enabled: bool
    models: int


def chosen_model(rows: Sequence[ModelRow], slug: str) -> ModelRow | None:
    """The model asked for, else the usual one, else the first; None in an empty catalogue."""
    by_slug = {row.model.slug: row for row in rows}
    first = rows[0] if rows else None
    return by_slug.get(slug) or by_slug.get(USUAL_MODEL) or first


def tokens_asked(text: str, *, usual: int) -> int:
    """The balance to count with: what was typed if it is a number up to a billion, else `usual`."""
    if text.isascii() and text.isdigit() and len(text) <= 12 and int(text) <= TOKENS_MOST:
        return int(text)
    return usual


def presets(*amounts: int) -> list[int]:
    """Balances to choose from: each once, smallest first, without 0."""
    return sorted({amount for amount in amounts if amount})


def catalogue_by_maker(rows: Sequence[ModelRow]) -> list[tuple[str, list[ModelRow]]]:
    """(maker, its models), both in the catalogue's order."""
    groups: dict[str, list[ModelRow]] = {}
    for row in rows:
        groups.setdefault(row.model.maker, []).append(row)
    return list(groups.items())


def provider_states() -> list[ProviderState]:
    """Every provider in the catalogue's order, with how many available models it serves now."""
    served: dict[str, int] = {}
    for row in models_listed():
        if row.availability.available:
            served[row.provider] = served.get(row.provider, 0) + 1
    return [
        ProviderState(
            name=provider.name,
            problem=provider_problem(provider),
            emulated=provider.enabled and key_state(provider) == KeyState.EMULATED,
            enabled=provider.enabled,
            models=served.get(provider.name, 0),
        )
        for provider in Provider.objects.all()
    ]
