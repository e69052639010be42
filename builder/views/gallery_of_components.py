"""Every component in every state, on one page, in development only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing.selectors import Pocket, Standing
from builder.models import Run, Site, Version
from models_catalog.models import AIModel
from models_catalog.pricing import price_of
from models_catalog.selectors import Availability, ModelRow

_NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
_FREE = Pocket("free_monthly", 6_420, 2_000, datetime(2026, 12, 1, tzinfo=UTC))
_PURCHASED = Pocket("purchased", 200_000, 0, None)
_PREMIUM = Pocket("premium_daily", 30_000, 0, datetime(2026, 11, 23, tzinfo=UTC))


class _ExampleForm(forms.Form):
    name = forms.CharField(label="Name", help_text="Shown in the list of your sites.")
    email = forms.EmailField(label="E-mail")
    zone = forms.ChoiceField(label="Time zone", choices=[("UTC", "UTC"), ("CN", "Asia/Shanghai")])
    agree = forms.BooleanField(label="Send me receipts by e-mail", required=False)


def _standing(*pockets: Pocket) -> Standing:
    return Standing(
        available=sum(pocket.available for pocket in pockets),
        held=sum(pocket.held for pocket in pockets),
        pockets=pockets,
        subscription_status="free",
        token_source=pockets[0].kind,
        next_reset=datetime(2026, 12, 1, tzinfo=UTC),
        tokens_used_this_month=1_580,
        monthly_limit=10_000,
        daily=None,
    )


def _row(**fields: Any) -> ModelRow:
    standard = {
        "slug": "claude-3-haiku",
        "name": "Claude 3 Haiku",
        "maker": "Anthropic",
        "tagline": "Fast & efficient",
        "token_cost": 3,
        "context_window": 200_000,
        "max_output_tokens": 4_096,
    }
    model = AIModel(**{**standard, **fields})
    return ModelRow(model, price_of(model), "OpenRouter", Availability(True), emulated=False)


def _runs(site: Site) -> list[Run]:
    prices = {"token_cost": 3, "ceiling": 12_600, "model_slug": "claude-3-haiku"}
    done = {"input_tokens": 610, "output_tokens": 938, **prices}
    common = {"site": site, "created_at": _NOW, "prompt": "A warm site for Main Street Bakery"}
    return [
        Run(state="queued", **prices, **common),
        Run(state="running", **prices, **common),
        Run(state="succeeded", charged=3_180, **done, **common),
        Run(state="succeeded", charged=3_180, usage_estimated=True, **done, **common),
        Run(state="failed", charged=0, **prices, **common),
        Run(state="cancelled", charged=412, **done, **common),
    ]


@require_safe
def components(request: HttpRequest) -> HttpResponse:
    """Reads nothing from the database: everything shown is made up here."""
    site = Site(name="Bakery on Main")
    version = Version(
        site=site, number=7, origin="run", summary="Prices and hours", created_at=_NOW
    )
    filled = _ExampleForm({"name": "Bakery on Main", "email": "ana@example.com", "zone": "CN"})
    context = {
        "standings": [
            _standing(_FREE),
            _standing(_FREE, _PURCHASED, _PREMIUM),
            _standing(replace(_FREE, available=420, held=0)),
            _standing(replace(_FREE, available=0, held=0)),
        ],
        "rows": [
            _row(),
            replace(_row(name="Gemini Pro Vision", maker="Google", vision=True), emulated=True),
            _row(name="Icon Painter", tagline="A flat price", billing_unit="per_request"),
            replace(_row(), availability=Availability(False, "no key is set for OpenRouter")),
        ],
        "dear": _row(name="Claude 3 Opus", tagline="Most capable", token_cost=10),
        "runs": _runs(site),
        "pockets": [
            {"kind": "free_monthly", "amount": 2_000},
            {"kind": "purchased", "amount": 1_180},
        ],
        "version": version,
        "page": Paginator(range(70), 10).page(3),
        "forms": [_ExampleForm(), filled, _ExampleForm({"email": "not an address"})],
        "states": Run.State.values,
        "reset_at": _NOW,
        "example_list": [SimpleNamespace(label="A bakery", text="A site for a bakery", lang="en")],
    }
    return render(request, "pages/components.html", context)
