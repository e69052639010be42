"""Prices: exact, rounded up once, monotone, and the budget's true maximum."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_catalog.models import AIModel
from models_catalog.pricing import (
    PER_REQUEST,
    PER_TOKEN,
    UNBOUNDED_OUTPUT_TOKENS,
    Price,
    affordable_output_tokens,
    charge,
    price_of,
)

counts = st.integers(0, 3_000_000)
weights = st.integers(0, 1000).map(lambda thousandths: Decimal(thousandths) / 1000)
per_token = st.builds(
    Price,
    token_cost=st.integers(1, 10_000_000),
    input_weight=weights,
    billing_unit=st.just(PER_TOKEN),
)


def exact(price: Price, input_tokens: int, output_tokens: int) -> Fraction:
    return price.token_cost * (output_tokens + Fraction(price.input_weight) * input_tokens)


@given(per_token, counts, counts)
def test_charge_is_the_exact_amount_rounded_up_once(price, input_tokens, output_tokens):
    amount = charge(price, input_tokens=input_tokens, output_tokens=output_tokens)
    assert amount == ceil(exact(price, input_tokens, output_tokens))
    assert isinstance(amount, int)


@given(per_token, counts, counts, st.integers(0, 1000), st.integers(0, 1000))
def test_charge_never_falls_when_more_is_used(
    price, input_tokens, output_tokens, more_in, more_out
):
    less = charge(price, input_tokens=input_tokens, output_tokens=output_tokens)
    more = charge(
        price, input_tokens=input_tokens + more_in, output_tokens=output_tokens + more_out
    )
    assert more >= less + price.token_cost * more_out


@given(per_token, counts, st.integers(0, 10**13))
def test_affordable_output_is_the_true_maximum(price, input_tokens, budget_tokens):
    most = affordable_output_tokens(price, budget_tokens=budget_tokens, input_tokens=input_tokens)
    assert charge(price, input_tokens=input_tokens, output_tokens=most + 1) > budget_tokens
    if most > 0:
        assert charge(price, input_tokens=input_tokens, output_tokens=most) <= budget_tokens


@given(per_token, counts, counts)
def test_the_charge_of_a_usage_affords_exactly_that_usage(price, input_tokens, output_tokens):
    budget = charge(price, input_tokens=input_tokens, output_tokens=output_tokens)
    most = affordable_output_tokens(price, budget_tokens=budget, input_tokens=input_tokens)
    # Rounding up gives away less than one token, so never a whole output token too many.
    assert most == output_tokens


@given(st.integers(1, 10_000_000), weights, counts, counts)
def test_a_flat_price_ignores_usage(token_cost, weight, input_tokens, output_tokens):
    price = Price(token_cost, weight, PER_REQUEST)
    assert charge(price, input_tokens=input_tokens, output_tokens=output_tokens) == token_cost


def test_a_flat_price_is_affordable_or_not():
    price = Price(500, Decimal("0.2"), PER_REQUEST)
    at = {"input_tokens": 10_000}
    assert affordable_output_tokens(price, budget_tokens=500, **at) == UNBOUNDED_OUTPUT_TOKENS
    assert affordable_output_tokens(price, budget_tokens=499, **at) == 0


def test_nothing_is_affordable_when_the_input_alone_is_too_dear():
    price = Price(10, Decimal("0.2"), PER_TOKEN)
    assert affordable_output_tokens(price, budget_tokens=1_999, input_tokens=1_000) == 0
    assert charge(price, input_tokens=1_000, output_tokens=0) == 2_000


def test_a_third_of_a_token_is_not_lost_to_binary_fractions():
    # 0.1 × 3 is 0.30000000000000004 in floats, which would round 3 up to 4.
    assert charge(Price(10, Decimal("0.1"), PER_TOKEN), input_tokens=3, output_tokens=0) == 3


@pytest.mark.parametrize(
    ("token_cost", "weight", "unit"),
    [
        (0, "0.2", PER_TOKEN),
        (-1, "0.2", PER_TOKEN),
        (1, "1.001", PER_TOKEN),
        (1, "-0.1", PER_TOKEN),
        (1, "0.2", "per_page"),
    ],
)
def test_an_impossible_price_is_refused(token_cost, weight, unit):
    with pytest.raises(ValueError):
        Price(token_cost, Decimal(weight), unit)


@pytest.mark.parametrize("usage", [(-1, 0), (0, -1)])
def test_negative_usage_is_refused(usage):
    with pytest.raises(ValueError):
        charge(Price(1, Decimal(0), PER_TOKEN), input_tokens=usage[0], output_tokens=usage[1])


def test_the_price_of_a_row_is_what_the_row_says():
    model = AIModel(token_cost=8, input_weight=Decimal("0.500"), billing_unit="per_token")
    assert price_of(model) == Price(8, Decimal("0.5"), PER_TOKEN)
