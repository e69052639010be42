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

from accounts.models import User
from billing.models import Notice, Offer, Order, Payment
from billing.plan import Plan, PlanState
from billing.selectors import DailyStanding, Pocket, Standing
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


def _plans() -> list[tuple[Plan, Standing, bool]]:
    free, month_end = _standing(_FREE), datetime(2026, 12, 22, 9, 0, tzinfo=UTC)
    daily = DailyStanding(next_reset=datetime(2026, 11, 23, tzinfo=UTC), used=0, limit=30_000)
    premium = replace(
        _standing(_FREE, _PREMIUM), subscription_status="premium_monthly", daily=daily
    )
    price: dict[str, Any] = {"price_cents": 1000, "currency": "usd", "subscription_id": "sub_1"}
    grace = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
    return [
        (Plan(PlanState.NONE), free, True),
        (Plan(PlanState.NONE), free, False),
        (Plan(PlanState.ACTIVE, renews_at=month_end, **price), premium, True),
        (Plan(PlanState.CANCELLING, ends_at=month_end, **price), premium, True),
        (Plan(PlanState.PAST_DUE, grace_until=grace, **price), premium, True),
        (Plan(PlanState.PAST_DUE, **price), free, True),
        (Plan(PlanState.ENDED, ends_at=_NOW, **price), free, True),
    ]


def _orders() -> list[tuple[Order, Payment | None]]:
    """An order in every state, then paid ones whose money went back."""
    facts = {"kind": "package", "tokens": 200_000, "amount_cents": 500, "created_at": _NOW}
    offer, user = Offer(slug="tokens_200k"), User(email="ana@example.com")
    common = {**facts, "offer": offer, "user": user, "checkout_url": "#main"}
    rows: list[tuple[Order, Payment | None]] = [
        (Order(state=state, **common), None) for state in Order.State.values
    ]
    premium = {**common, "kind": "subscription", "tokens": 30_000, "amount_cents": 1000}
    rows.append((Order(state="paid", **premium), None))
    gone: list[dict[str, Any]] = [
        {"refunded_cents": 500},
        {"refunded_cents": 250},
        {"dispute": "open", "disputed_cents": 500},
        {"dispute": "lost", "disputed_cents": 500},
    ]
    for fact in gone:
        rows.append((Order(state="paid", **common), Payment(amount_cents=500, **fact)))
    return rows


@require_safe
def components(request: HttpRequest) -> HttpResponse:
    """Reads nothing from the database: everything shown is made up here."""
    site = Site(name="Bakery on Main")
    version = Version(
        site=site, number=7, origin="run", summary="Prices and hours", created_at=_NOW
    )
    orders = _orders()
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
        "plans": _plans(),
        "premium": Offer(slug="premium_monthly", tokens=30_000, amount_cents=1000),
        "orders": orders,
        "order_pages": orders,
        "low_notice": Notice(level=80, period="2026-11"),
        "page": Paginator(range(70), 10).page(3),
        "forms": [_ExampleForm(), filled, _ExampleForm({"email": "not an address"})],
        "states": Run.State.values,
        "reset_at": _NOW,
        "example_list": [SimpleNamespace(label="A bakery", text="A site for a bakery", lang="en")],
    }
    return render(request, "pages/components.html", context)
