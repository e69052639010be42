"""How often a run asks the database on its way to the first word: each time is felt."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from builder.output_ranges import expected_of
from builder.services import execution

LEDGER = re.compile('(FROM|INTO|UPDATE) "?billing_')

pytestmark = pytest.mark.django_db(transaction=True)


def asked(queries: CaptureQueriesContext) -> list[str]:
    """The statements, without those around transactions and those of the ledger, whose number
    is the business of its engines."""
    verbs = ("SELECT", "INSERT", "UPDATE", "DELETE")
    statements = [query["sql"] for query in queries.captured_queries]
    return [sql for sql in statements if sql.startswith(verbs) and not LEDGER.search(sql)]


def test_a_start_asks_seven_times_beside_the_ledger(start):
    # What was learned of answers is read once a minute by a process, not by a start.
    expected_of("claude-3-haiku", changes_site=False)
    with CaptureQueriesContext(connection) as queries:
        start()
    told = asked(queries)
    # The limits, the model, its routes, the latest version, the site's lock, how many runs there
    # are already, the run.
    assert len(told) == 7, told
    assert told[-1].startswith('INSERT INTO "builder_run"')


def test_a_worker_asks_six_times_before_it_calls_the_provider(start):
    run = start()
    with CaptureQueriesContext(connection) as queries:
        execution.run_execute(run.pk)
    told = asked(queries)
    call = next(n for n, sql in enumerate(told) if 'INSERT INTO "builder_attempt"' in sql)
    # Claim, run, latest version, model, routes, attempt.
    assert call + 1 == 6, told[: call + 1]
    assert len(told) == 19, told


def test_opening_the_stream_of_a_new_run_asks_only_who_and_which(start, client, alice):
    run = start()
    client.force_login(alice)
    client.get("/api/me")
    with CaptureQueriesContext(connection) as queries:
        response = client.get(f"/api/runs/{run.pk}/events")
    assert response.status_code == 200
    told = asked(queries)
    assert sum('FROM "builder_' in sql for sql in told) == 1, told
