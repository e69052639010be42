"""`script/bench failover`: runs at once while one of two providers fails at random moments.

The same runs three times against real PostgreSQL and Redis: in calm, in calm with the second
provider alone, and in the storm. Answers last long enough that all of a round overlap, and the
outages go on from the first start to the last end. Added time to the first token: of runs that met
a failing provider (while the breaker opens, or as its probe), what the failed attempts took; of
runs while it is open, by how much longer than in calm they took from their claim to their call
(`open_ms`).
Their whole wait is told beside that of the second provider in calm, which answers them.
Goals: ≥ 99 % succeed, nothing doubled, no wrong charge, ≤ 2 s while opening, ≤ 50 ms once open,
and 100 streams at once.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.database import CONDITIONS, ledger_database
from bench.report import emit, milliseconds, percentile
from emulators.ai.testing import emulator
from script.testbed import servers

if TYPE_CHECKING:
    from bench.storm import Fate

PERMITS = 2_000
MUST = {
    "succeeded_percent": 99.0,
    "opening_ms_p95": 2000,
    "open_ms_p95": 50,
    "streams_at_once": 100,
}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench failover")
    parser.add_argument("--quick", action="store_true", help="tiny numbers: does it run at all?")
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, one after the other")
    parser.add_argument("--spread", type=float, default=20.0, help="seconds in which they begin")
    parser.add_argument("--answer", type=float, default=30.0, help="seconds that one lasts")
    parser.add_argument("--pace", type=float, default=2.0, help="to the first token: 2 is 1 s")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    if options.quick:
        options.concurrency, options.spread, options.pace = 6, 1.0, 0.2
        options.rounds, options.answer = 1, 3.0
    folder = Path(tempfile.mkdtemp(prefix="sitewright-failover-"))
    server = servers.start_redis(folder)
    os.environ["REDIS_URL"] = server.url
    try:
        with emulator(pace=options.pace, subprocess_=True) as ai:
            os.environ["AI_EMULATOR_URL"] = ai.url
            with ledger_database():
                _measure(ai, options)
    finally:
        server.end()
        servers.remove(folder)


def _measure(ai: Any, options: argparse.Namespace) -> None:
    from django.core.management import call_command

    from bench.storm import FIRST, Weather, answers_lasting, nobody_rings, people_ready, storm
    from builder.routing.guard import guard
    from models_catalog.models import Provider

    with contextlib.redirect_stdout(io.StringIO()):
        call_command("catalogue_seed", verbosity=0)
    nobody_rings()
    common = {"bench": "failover", "runs": options.concurrency * options.rounds}
    weather = Weather(ai, options.seed, down_seconds=(1.0, 5.0), up_seconds=(1.0, 5.0))
    shape: Any = {
        "rounds": options.rounds,
        "spread_seconds": options.spread,
        "seed": options.seed,
        "answers": answers_lasting(options.answer),
    }
    # Whatever the first calls of a process cost is not the storm's.
    storm(people_ready(2), rounds=1, spread_seconds=0.0, seed=0)
    calm = storm(people_ready(options.concurrency), **shape)
    Provider.objects.filter(slug=FIRST).update(enabled=False, disabled_reason="bench")
    second = storm(people_ready(options.concurrency), **shape)
    Provider.objects.filter(slug=FIRST).update(enabled=True, disabled_reason="")
    people = people_ready(options.concurrency)
    # A calm that was too much for the machine may have opened them.
    guard().breaker.close(list(guard().breaker.opened()))
    weather.begin()
    try:
        after = storm(people, **shape)
    finally:
        weather.end()
    opening = [fate.lost for fate in after.fates if fate.failed_attempts]
    behind = [fate for fate in after.fates if fate.skipped]
    usual_ms, open_ms = _decided(second.fates), _decided(behind)
    emit(**common, conditions=CONDITIONS, cores=os.cpu_count(), **vars(options))
    for name, quiet in (("calm", calm), ("calm, second provider alone", second)):
        emit(
            **common,
            weather=name,
            succeeded=quiet.succeeded,
            streams_at_once=quiet.streams_at_once,
            call_after_ms=_decided(quiet.fates),
            first_token_ms=_waited(quiet.fates),
        )
    emit(
        **common,
        weather="storm",
        spells_down=weather.spells,
        succeeded=after.succeeded,
        succeeded_percent=round(100 * after.succeeded / len(after.fates), 1),
        doubled_or_lost_bytes=after.doubled_or_lost_bytes,
        wrong_charges=after.wrong_charges,
        ledger_differences=len(after.differences),
        outages=after.outages,
        runs_while_opening=len(opening),
        opening_ms_p50=milliseconds(percentile(opening, 0.5)),
        opening_ms_p95=milliseconds(percentile(opening, 0.95)),
        runs_once_open=len(behind),
        call_after_ms=open_ms,
        first_token_ms=_waited(behind),
        runs_at_once=after.runs_at_once,
        streams_at_once=after.streams_at_once,
        permit_cpu_us=_permit_cpu_us(),
        open_ms_p50=round(open_ms["p50"] - usual_ms["p50"], 1),
        open_ms_p95=round(open_ms["p95"] - usual_ms["p95"], 1),
        must=MUST,
    )


def _permit_cpu_us() -> dict[str, float]:
    """What asking the breakers costs a run in this thread's CPU, whatever else the machine does."""
    from bench.storm import MODEL
    from builder.routing.guard import guard, names_of
    from models_catalog.selectors import model_get, routes_of

    target = routes_of(model_get(MODEL))[0]
    names = names_of(target)
    guard().breaker.close(names)
    costs = {}
    for state in ("closed", "open"):
        began = time.thread_time()
        for _ in range(PERMITS):
            guard().permit(target)
        costs[state] = round((time.thread_time() - began) / PERMITS * 1e6, 2)
        guard().breaker.rest(names[1], "bench", 60)
    return costs


def _decided(fates: list[Fate]) -> dict[str, float]:
    return _figures([fate.decided for fate in fates])


def _waited(fates: list[Fate]) -> dict[str, float]:
    return _figures([fate.waited for fate in fates if fate.waited is not None])


def _figures(seconds: list[float]) -> dict[str, float]:
    return {f"p{share}": milliseconds(percentile(seconds, share / 100)) for share in (50, 95)}
