"""200 runs over real requests: is what they cost within what was shown before?

In process, through the whole run, on the emulated providers; learning goes on as it does in life,
after every 25 runs.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from django.utils import timezone

from billing.services.grants import grant_create
from builder.models import Run
from builder.services.learning import ranges_learn
from builder.services.sites import site_create
from models_catalog.pricing import charge, price_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1800)]

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "webgen-prompts.jsonl"
# Of four makers, each with its own manner in the emulator.
MODELS = ["claude-3-haiku", "gpt-3-5-turbo", "qwen-turbo", "deepseek-chat"]
CHANGES = [
    "Make the background dark and the headings orange",
    "Add a section with frequently asked questions",
    "把标题改成蓝色，并增加一个联系表单",
    "Remove the last section and make the buttons larger",
]
RUNS, LEARNED_EVERY = 200, 25


def requests() -> list[tuple[str, str, bool]]:
    """(model, words, whether it changes the site made before): four new sites to a change."""
    prompts = [json.loads(line)["instruction"] for line in DATA.read_text().splitlines()]
    words = itertools.cycle(prompts)
    changes = itertools.cycle(CHANGES)
    asked = []
    for number in range(RUNS):
        # Another model each time, another order each round.
        model = MODELS[(number + number // len(MODELS)) % len(MODELS)]
        is_change = number % 5 == 4
        asked.append((model, next(changes) if is_change else next(words), is_change))
    return asked


@pytest.mark.skipif(not DATA.exists(), reason="the real requests (../shared/data) are not here")
def test_real_runs_cost_what_was_shown(finish, alice, settings, capsys):
    settings.RUNS_PER_MINUTE_MAX = 100_000
    grant_create(
        user_id=alice.pk,
        kind="purchased",
        amount=1_000_000_000,
        source="test:plenty",
        effective_at=timezone.now(),
    )
    within, above, outside, widths = 0, 0, [], []
    site = None
    for number, (model, words, is_change) in enumerate(requests()):
        if number % LEARNED_EVERY == 0:
            ranges_learn(now=timezone.now())
        if not is_change or site is None:
            site = site_create(owner=alice, name=f"Site {number}")
        run: Run = finish(words, model=model, site=site)
        assert run.state == Run.State.SUCCEEDED, (model, words, run.error_message)
        # What was used, not what was charged: that is never above, whatever was used.
        given, made, charged = run.input_tokens or 0, run.output_tokens or 0, run.charged or 0
        above += charge(price_of(run), input_tokens=given, output_tokens=made) > run.ceiling
        widths.append(run.estimate_high / run.estimate_low)
        if run.estimate_low <= charged <= run.estimate_high:
            within += 1
        else:
            shown = f"{run.estimate_low}-{run.estimate_high}"
            outside.append((number, model, is_change, charged, shown))
    widths.sort()
    with capsys.disabled():
        print(
            f"\n{RUNS} runs: {within / RUNS:.1%} within the range shown, {above} above the "
            f"ceiling; the range's high is {widths[RUNS // 2]:.1f} times its low (median)"
        )
        print(f"outside: {outside}")
    assert above == 0
    assert within >= 0.9 * RUNS
