"""How long a route may be silent: from what its answers took."""

import pytest

from builder.models import Run
from builder.routing import waits
from builder.routing.waits import Waits
from models_catalog.models import Provider


@pytest.mark.parametrize(
    ("took", "limit"),
    [
        ([], 30.0),
        ([1.0] * 4, 30.0),
        ([1.0] * 5, 10.0),
        ([1.0] * 4 + [4.0], 16.0),
        ([1.0] * 4 + [9.0], 30.0),
        # Only the latest twenty.
        ([9.0] + [3.0] * 20, 12.0),
    ],
)
def test_a_route_may_be_silent_for_four_times_what_it_took(clock, took, limit):
    learned = Waits(ticks=clock)
    for seconds in took:
        learned.answered("openrouter gpt-4", seconds)
    assert learned.limit("openrouter gpt-4", 30.0) == limit
    assert learned.limit("anthropic gpt-4", 30.0) == 30.0


def test_what_was_learned_is_forgotten_so_that_a_slower_provider_is_found_again(clock):
    learned = Waits(ticks=clock)
    for _ in range(5):
        learned.answered("openrouter gpt-4", 1.0)
    clock.pass_seconds(599)
    assert learned.limit("openrouter gpt-4", 30.0) == 10.0
    clock.pass_seconds(2)
    assert learned.limit("openrouter gpt-4", 30.0) == 30.0


@pytest.mark.django_db(transaction=True)
def test_a_route_that_falls_silent_costs_what_it_is_known_to_take(finish, ai, monkeypatch):
    monkeypatch.setattr(waits, "LEAST_SECONDS", 1.0)
    Provider.objects.filter(slug="anthropic").update(enabled=True, disabled_reason="")
    ai.rule({"reply": "index.html\n```html\n<h1>Flour</h1>\n```\n"}, times=5)
    for number in range(5):
        finish(f"Change the heading to {number}")
    ai.rule({"stall": {"after_chars": 0}, "keep_alive_seconds": 0.2}, provider="openrouter")
    run: Run = finish("Change it to six")
    silent, answered = run.attempts.order_by("number")
    assert [(one.provider_slug, one.outcome) for one in (silent, answered)] == [
        ("openrouter", "timeout"),
        ("anthropic", "succeeded"),
    ]
    assert silent.ended_at is not None
    # Not the thirty seconds of a route that nobody knows.
    assert 1.0 <= (silent.ended_at - silent.started_at).total_seconds() < 15.0
