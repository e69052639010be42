"""Every outcome × every adapter × every shape of usage, from `run_start` to the ledger.

One scripted provider answers in bytes. Right state, right charge, right words, in every cell.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator

import pytest
import redis
from django.db.models import Sum
from django.utils import timezone

from billing.models import Hold
from billing.selectors import standing_of
from billing.services.grants import grant_create
from billing.services.reconcile import reconcile
from builder.models import Run
from builder.routing.guard import guard_set
from builder.routing.stores import PREFIX
from builder.services import execution, monitor, runs
from builder.token_count import estimate_tokens
from models_catalog.models import Provider, Route
from models_catalog.pricing import charge, price_of
from tests.builder.matrix.outcomes import (
    ERROR_OBJECT_CODES,
    GIVEN,
    MADE,
    OUTCOMES,
    SHAPES,
    Cell,
    Outcome,
)
from tests.builder.providers.servers import RawServer, closed_port
from tests.builder.providers.wire import DIALECTS, Dialect
from tests.builder.proxy.table import as_table

pytestmark = pytest.mark.django_db(transaction=True)

# adapter → provider, and a model that this provider alone may serve here.
WHO = {
    "openai_compatible": ("openai", "gpt-4-turbo"),
    "openrouter": ("openrouter", "claude-3-haiku"),
    "dashscope": ("qwen", "qwen-turbo"),
    "anthropic": ("anthropic", "claude-3-opus"),
}
PLENTY = 1_000_000_000


@pytest.fixture
def provider() -> Iterator[RawServer]:
    server = RawServer([])
    yield server
    server.stop()


@pytest.fixture
def open_house(catalogue, rung, alice, settings, monkeypatch) -> None:
    """All providers on, with keys; nothing but the answers limits alice."""
    grant_create(
        user_id=alice.pk,
        kind="purchased",
        amount=PLENTY,
        source="test:plenty",
        effective_at=timezone.now(),
    )
    settings.AI_EMULATOR_URL = ""
    settings.PROXY_HOST = ""
    settings.RUNS_PER_MINUTE_MAX = 100_000
    settings.PROVIDER_KEYS = {
        f"{name}_API_KEY": f"sk-secret-{name}"
        for name in ("OPENROUTER", "QWEN", "OPENAI", "ANTHROPIC")
    }
    Provider.objects.update(enabled=True, disabled_reason="")
    monkeypatch.setattr(monitor, "TICK_SECONDS", 0.03)
    monkeypatch.setattr("builder.services.usage_correction.current_app.send_task", _nowhere)


def _nowhere(*_arguments: object, **_options: object) -> None:
    """Corrections of estimated usage have tests of their own."""


def address_of(dialect: Dialect, outcome: Outcome, provider: RawServer) -> str:
    url = {
        "": provider.url,
        "refused": f"http://127.0.0.1:{closed_port()}",
        "unknown name": "http://provider.invalid",
        "untrusted": provider.url,
    }[outcome.address]
    return dialect.base_url(url)


def forget(redis_client: redis.Redis) -> None:
    """What failed in one cell is no reason not to ask in the next."""
    redis_client.delete(*redis_client.keys(f"{PREFIX}*"), PREFIX)
    guard_set(None)
    Provider.objects.exclude(outage_since=None).update(outage_since=None, outage_code="")


def check(run: Run, outcome: Outcome, cell: Cell) -> str:
    """Every fact of the cell; what stands in the table."""
    code = ERROR_OBJECT_CODES[cell.dialect.name] if outcome.code == "by dialect" else outcome.code
    attempts = list(run.attempts.all())
    assert (run.state, run.error_code) == (outcome.state, code)
    assert (run.version is not None) == outcome.stores
    assert len(attempts) == outcome.attempts
    assert attempts[-1].ended_at is not None
    if outcome.charged:
        assert run.usage_estimated == (cell.shape == "none")
        used = (run.input_tokens or 0, run.output_tokens or 0)
        assert used == (
            (used[0], estimate_tokens(run.text.text)) if run.usage_estimated else (GIVEN, MADE)
        )
        due = charge(price_of(run), input_tokens=used[0], output_tokens=used[1])
        assert run.charged == due > 0
        assert run.hold.state == Hold.State.SETTLED
        assert [attempt.charged for attempt in attempts] == [due]
        assert run.error_message == ""
    else:
        assert run.charged == 0
        assert run.hold.state == Hold.State.RELEASED
        assert {attempt.charged for attempt in attempts} == {0}
        assert re.search(outcome.told, run.error_message), run.error_message
        assert "ot charged" in run.error_message
    assert "sk-secret" not in str([attempt.message for attempt in attempts])
    kind = "estimate" if run.usage_estimated else "usage"
    cost = f"{run.charged:,} by {kind}" if run.charged else "0"
    return f"{run.error_code or run.state}: {cost}" + (
        ", files kept" if code and run.version else ""
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_cell_has_the_right_state_charge_and_words(
    dialect: Dialect,
    provider: RawServer,
    server_tls: ssl.SSLContext,
    open_house,
    alice,
    site,
    settings,
    monkeypatch,
    capsys,
):
    slug, model = WHO[dialect.name]
    Route.objects.exclude(provider__slug=slug).update(enabled=False, disabled_reason="another's")
    variable = Provider.objects.get(slug=slug).base_url_variable
    rows: dict[str, list[str]] = {outcome.name: [] for outcome in OUTCOMES}
    wrong: list[str] = []
    with redis.Redis.from_url(settings.REDIS_URL) as redis_client:
        for number, outcome in enumerate(OUTCOMES):
            for shape in SHAPES:
                cell = Cell(dialect, shape, f"{number} {shape}")
                provider.steps = list(outcome.play(cell))
                provider.tls = server_tls if outcome.address == "untrusted" else None
                forget(redis_client)
                with monkeypatch.context() as patch:
                    for name, seconds in outcome.settings.items():
                        patch.setattr(settings, name, seconds)
                    base = address_of(dialect, outcome, provider)
                    patch.setattr(settings, "PROVIDER_BASE_URLS", {variable: base})
                    run = runs.run_start(
                        user=alice, site=site, prompt=f"Page {cell.mark}", model_slug=model
                    )
                    execution.run_execute(run.pk)
                run = Run.objects.get(pk=run.pk)
                try:
                    rows[outcome.name].append(check(run, outcome, cell))
                except AssertionError as error:
                    rows[outcome.name].append("WRONG")
                    wrong.append(
                        f"{outcome.name} / {shape}: {run.state} {run.error_code!r} {error}"
                    )
    with capsys.disabled():
        print(f"\n\n{dialect.name}, usage:\n" + as_table("", SHAPES, rows))
    assert wrong == []
    charged = Run.objects.aggregate(total=Sum("charged"))["total"]
    free = 10_000
    assert standing_of(alice, timezone.now()).available == PLENTY + free - charged
    assert reconcile() == []
