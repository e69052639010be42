"""The worked examples of docs/pricing.md are true, of the function and of the catalogue."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings

from models_catalog.models import AIModel
from models_catalog.pricing import PER_TOKEN, Price, affordable_output_tokens, charge

PAGE = Path(settings.BASE_DIR) / "docs" / "pricing.md"


def table_under(heading: str) -> list[dict[str, str]]:
    section = PAGE.read_text().split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    head, _rule, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(head, row, strict=True)) for row in rows]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def price(row: dict[str, str]) -> Price:
    return Price(number(row["token cost"]), Decimal(row["input weight"]), PER_TOKEN)


EXAMPLES = table_under("Worked examples")
BUDGETS = table_under("How much fits a budget")


def test_the_page_has_the_examples():
    assert (len(EXAMPLES), len(BUDGETS)) == (9, 5)


@pytest.mark.parametrize("row", EXAMPLES, ids=lambda row: row["working"])
def test_a_worked_example_is_true(row):
    amount = charge(
        price(row),
        input_tokens=number(row["input tokens"]),
        output_tokens=number(row["output tokens"]),
    )
    assert amount == number(row["charge"])


@pytest.mark.parametrize("row", BUDGETS, ids=lambda row: f"{row['model']} {row['budget']}")
def test_a_worked_budget_is_true(row):
    most = affordable_output_tokens(
        price(row), budget_tokens=number(row["budget"]), input_tokens=number(row["input tokens"])
    )
    assert most == number(row["most output tokens"])


@pytest.mark.django_db
def test_the_page_quotes_the_shipped_prices(catalogue):
    shipped = {
        name: (cost, weight)
        for name, cost, weight in AIModel.objects.values_list("name", "token_cost", "input_weight")
    }
    for row in EXAMPLES + BUDGETS:
        assert shipped[row["model"]] == (number(row["token cost"]), Decimal(row["input weight"]))
