"""One of two providers down at random moments, forty runs at once."""

import pytest
from django.db import connection

from bench.storm import Weather, people_ready, storm
from builder.models import Outage
from builder.routing import stores

pytestmark = pytest.mark.django_db(transaction=True)
RUNS = 40


@pytest.mark.postgresql
def test_nearly_all_succeed_nothing_is_doubled_and_every_charge_is_right(
    catalogue, ai, rung, monkeypatch, settings
):
    # So that it opens, is probed and closes several times within the test.
    monkeypatch.setattr(stores, "OPEN_SECONDS", 1.0)
    ai.pace(0.1)
    people = people_ready(RUNS)
    weather = Weather(ai, 7, down_seconds=(0.5, 1.5), up_seconds=(0.3, 1.0))
    weather.begin()
    try:
        after = storm(people, rounds=1, spread_seconds=6.0, seed=7)
    finally:
        weather.end()
    assert len(after.fates) == RUNS
    assert after.succeeded >= 0.99 * RUNS
    assert after.doubled_or_lost_bytes == 0
    assert after.wrong_charges == 0
    assert after.differences == []
    # The storm was one: some met it, and some were sent round it.
    assert sum(fate.failed_attempts for fate in after.fates) >= 5
    assert Outage.objects.filter(provider_slug="openrouter").exists()
    assert any(fate.skipped for fate in after.fates)
    # Two calls of one run at most: nobody was asked twice.
    assert ai.calls() == RUNS + sum(fate.failed_attempts for fate in after.fates)
    connection.close()
