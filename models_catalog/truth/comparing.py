"""What differs between our routes and a provider's list. No database, no network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from models_catalog.costs import covering_price, shortfall
from models_catalog.models import CatalogueFinding, Route
from models_catalog.pricing import price_of
from models_catalog.provider_lists import ListedModel

Kind = CatalogueFinding.Kind
CANDIDATES_MAX: Final = 20
# Variants of a model that is listed without them (https://openrouter.ai/docs/model-routing).
_VARIANT: Final = re.compile(r":[a-z]+$")
# Ids of an open list without makers, such as DashScope's, begin with the maker's own name.
_FIRST_WORD: Final = re.compile(r"^[a-z]+", re.IGNORECASE)
_NAME_NOISE: Final = re.compile(r"^[^:]{1,40}: |\b(instruct|chat)$|[^a-z0-9.]+", re.IGNORECASE)
# Models that answer with something else than a written page, where the list does not say so.
_NO_WRITER: Final = re.compile(
    r"embed|rerank|asr|tts|audio|speech|image|video|whisper|moderation|omni|ocr|-mt-|realtime",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Found:
    """One difference. detail: what staff are shown and the actions use; numbers as text."""

    kind: str
    provider_model_id: str
    route: Route | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """missing: ids of ours that are not listed. `suspicious`: so many that the list is doubted."""

    found: tuple[Found, ...]
    missing: frozenset[str]
    suspicious: bool


def compare(
    routes: Sequence[Route], listed: Mapping[str, ListedModel], *, token_usd: Decimal
) -> Comparison:
    """One provider's routes against its list.

    routes: all of them, with their models; those switched off only count as known. Suspicious is
    a list without more than half of the models that were there before.
    """
    watched = {route.provider_model_id: route for route in routes if route.enabled}
    missing = frozenset(model_id for model_id in watched if model_id not in listed)
    there_before = [name for name, route in watched.items() if route.gone_since is None]
    newly_missing = [name for name in there_before if name in missing]
    if 2 * len(newly_missing) > len(there_before):
        return Comparison((), missing, suspicious=True)
    known = {route.provider_model_id for route in routes}
    found = [_missing(watched[model_id], listed, known) for model_id in sorted(missing)]
    found += _prices(watched.values(), listed)
    taken = {one.detail["to"] for one in found if one.kind == Kind.RENAMED}
    found += _candidates(routes, listed, known | taken, token_usd)
    return Comparison(tuple(found), missing, suspicious=False)


def below_cost(routes: Iterable[Route], *, token_usd: Decimal) -> list[Found]:
    """Routes on which a token sold at the least price does not pay for the model."""
    found = []
    for route in routes:
        input_usd, output_usd = route.input_usd_per_million, route.output_usd_per_million
        used = route.enabled and route.model.enabled and route.gone_since is None
        if not used or input_usd is None or output_usd is None:
            continue
        short = shortfall(
            price_of(route.model), input_usd=input_usd, output_usd=output_usd, token_usd=token_usd
        )
        if short is not None:
            detail = {
                "token_cost": route.model.token_cost,
                "earned": [plain(short.earned_input_usd), plain(short.earned_output_usd)],
                "cost": [plain(short.cost_input_usd), plain(short.cost_output_usd)],
                "least_token_cost": short.least_token_cost,
            }
            found.append(Found(Kind.BELOW_COST, route.provider_model_id, route, detail))
    return found


def _missing(route: Route, listed: Mapping[str, ListedModel], known: set[str]) -> Found:
    """Gone, or known again under another id that nobody else of ours has."""
    slugs = {route.provider_model_id, route.canonical_slug} - {""}
    names = {_bare(route.listed_name), _bare(route.model.name)} - {""}
    others = [
        row for name, row in listed.items() if name not in known and not _VARIANT.search(name)
    ]
    same = [row for row in others if row.canonical_slug in slugs]
    same = same or [
        row
        for row in others
        if _bare(row.name) in names and _maker_of(row.id) == _maker_of(route.provider_model_id)
    ]
    # Two that fit are no answer: staff choose.
    if len(same) != 1:
        return Found(Kind.GONE, route.provider_model_id, route)
    detail = {"to": same[0].id, "name": same[0].name, **_prices_of(same[0])}
    return Found(Kind.RENAMED, route.provider_model_id, route, detail)


def _prices(routes: Iterable[Route], listed: Mapping[str, ListedModel]) -> list[Found]:
    found = []
    for route in routes:
        row = listed.get(route.provider_model_id)
        if row is None or row.input_usd is None or row.output_usd is None:
            continue
        ours = (route.input_usd_per_million, route.output_usd_per_million)
        unset = route.priced_at is None and ours == (None, None)
        if not unset and ours != (row.input_usd, row.output_usd):
            before = [None if price is None else plain(price) for price in ours]
            detail = {"before": before, **_prices_of(row)}
            found.append(Found(Kind.PRICE, route.provider_model_id, route, detail))
    return found


def _candidates(
    routes: Sequence[Route],
    listed: Mapping[str, ListedModel],
    known: set[str],
    token_usd: Decimal,
) -> list[Found]:
    """The newest models of the makers we have, as far as we do not have them."""
    makers = {_maker_of(route.provider_model_id): route.model.maker for route in routes}
    fitting = [
        row
        for name, row in listed.items()
        if name not in known
        and _maker_of(name) in makers
        and row.writes_text
        and not _VARIANT.search(name)
        and not _NO_WRITER.search(name)
    ]
    fitting.sort(key=lambda row: (-row.created, row.id))
    return [
        Found(Kind.CANDIDATE, row.id, None, _candidate(row, makers[_maker_of(row.id)], token_usd))
        for row in fitting[:CANDIDATES_MAX]
    ]


def _candidate(row: ListedModel, maker: str, token_usd: Decimal) -> dict[str, Any]:
    detail = {
        "name": row.name.partition(": ")[2] or row.name or row.id,
        "maker": maker,
        "vision": row.vision,
        "context_window": row.context_window,
        "max_output_tokens": row.max_output_tokens,
        **_prices_of(row),
    }
    if row.input_usd is not None and row.output_usd is not None:
        cost, weight = covering_price(
            input_usd=row.input_usd, output_usd=row.output_usd, token_usd=token_usd
        )
        detail |= {"token_cost": cost, "input_weight": str(weight)}
    return detail


def _prices_of(row: ListedModel) -> dict[str, Any]:
    if row.input_usd is None or row.output_usd is None:
        return {"prices": None}
    return {"prices": [plain(row.input_usd), plain(row.output_usd)]}


def _maker_of(model_id: str) -> str:
    """`anthropic/claude-3-opus` → `anthropic`; `qwen-vl-max` and `qwen2.5-…` → `qwen`."""
    maker, slash, _rest = model_id.partition("/")
    if slash:
        return maker.lower()
    word = _FIRST_WORD.match(model_id)
    return word[0].lower() if word else ""


def _bare(name: str) -> str:
    """A name without its maker, its kind, and how it is spaced."""
    return _NAME_NOISE.sub("", name.lower().strip()) if name else ""


def plain(amount: Decimal) -> str:
    """`0.5000` → `0.5`: the same number always as the same text."""
    return format(amount.normalize(), "f")
