"""Reads that put the catalogue in the shape the public pages show it."""

from __future__ import annotations

from collections.abc import Sequence

from models_catalog.selectors import ModelRow

# Prices are compared on the model most people start with.
USUAL_MODEL = "claude-3-haiku"
TOKENS_MOST = 1_000_000_000


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
