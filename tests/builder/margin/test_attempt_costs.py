"""Each attempt keeps what it cost us: as told, from list prices, or unknown; never a guess."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from models_catalog.models import Route

pytestmark = pytest.mark.django_db(transaction=True)


def attempts(run) -> list[Any]:
    """Untyped: what is null is what is tested."""
    return list(run.attempts.order_by("number"))


def test_openrouter_tells_the_cost_itself(finish):
    [attempt] = attempts(finish(model="claude-3-haiku"))
    tokens = Decimal(attempt.input_tokens), Decimal(attempt.output_tokens)
    exact = (tokens[0] * Decimal("0.25") + tokens[1] * Decimal("1.25")) / 1_000_000
    assert attempt.cost_usd == exact.quantize(Decimal("0.00000001"))
    assert attempt.cost_estimated is False


def test_without_a_told_cost_tokens_and_list_price_make_it(finish, catalogue):
    Route.objects.filter(provider__slug="qwen", provider_model_id="qwen-turbo").update(
        input_usd_per_million=Decimal("7"), output_usd_per_million=Decimal("70")
    )
    [attempt] = attempts(finish(model="qwen-turbo"))
    exact = Decimal(7 * attempt.input_tokens + 70 * attempt.output_tokens) / 1_000_000
    assert (attempt.cost_usd, attempt.cost_estimated) == (exact, True)


def test_usage_that_is_not_told_is_counted_and_costed(finish, ai):
    ai.rule({"usage": "missing"}, provider="dashscope")
    run = finish(model="qwen-turbo")
    [attempt] = attempts(run)
    exact = (
        Decimal("0.05") * attempt.input_tokens + Decimal("0.2") * attempt.output_tokens
    ) / 1_000_000
    assert run.usage_estimated is True
    assert (attempt.cost_usd, attempt.cost_estimated) == (
        exact.quantize(Decimal("0.00000001")),
        True,
    )


def test_a_route_without_a_price_leaves_the_cost_unknown(finish, catalogue):
    Route.objects.update(input_usd_per_million=None, output_usd_per_million=None)
    [attempt] = attempts(finish(model="qwen-turbo"))
    assert (attempt.cost_usd, attempt.cost_estimated) == (None, False)


def test_an_attempt_that_gave_nothing_costs_nothing_that_we_know_of(finish, ai):
    ai.rule({"status": 500}, provider="dashscope")
    first, second = attempts(finish(model="qwen-turbo"))
    assert (first.provider_slug, first.cost_usd, first.cost_estimated) == ("qwen", None, False)
    assert (second.provider_slug, second.cost_estimated) == ("openrouter", False)
    assert second.cost_usd > 0


def test_an_answer_that_is_not_charged_costs_us_all_the_same(finish, ai):
    ai.rule({"reply_as": "prose"})
    run = finish(model="claude-3-haiku")
    [attempt] = attempts(run)
    assert (run.state, run.charged, attempt.charged) == ("failed", 0, 0)
    assert attempt.cost_usd > 0
