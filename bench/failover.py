"""`script/bench failover`: runs at once while one of two providers fails at random moments.

The same runs twice, first in calm, then in the storm, against real PostgreSQL and Redis. Added
time to the first token: of runs that met a failing provider (while the breaker opens, or as its
probe), the time that the failed attempts took; of runs while it is open, by how much the 95th
percentile of their wait is above that of the calm. Goals: ≥ 99 % succeed, nothing doubled, no
wrong charge, ≤ 2 s while opening, ≤ 50 ms once open.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

from bench.database import CONDITIONS, ledger_database
from bench.report import emit, milliseconds, percentile
from emulators.ai.testing import emulator
from script.testbed import servers

MUST = {"succeeded_percent": 99.0, "opening_ms_p95": 2000, "open_ms_p95": 50}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench failover")
    parser.add_argument("--quick", action="store_true", help="tiny numbers: does it run at all?")
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=1, help="runs of each, one after the other")
    parser.add_argument("--spread", type=float, default=20.0, help="seconds in which they begin")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    if options.quick:
        options.concurrency, options.spread = 6, 1.0
    folder = Path(tempfile.mkdtemp(prefix="sitewright-failover-"))
    server = servers.start_redis(folder)
    os.environ["REDIS_URL"] = server.url
    try:
        with emulator(pace=1.0, subprocess_=True) as ai:
            os.environ["AI_EMULATOR_URL"] = ai.url
            with ledger_database():
                _measure(ai, options)
    finally:
        server.end()
        servers.remove(folder)


def _measure(ai: Any, options: argparse.Namespace) -> None:
    from django.core.management import call_command

    from bench.storm import Weather, nobody_rings, people_ready, storm

    call_command("catalogue_seed", verbosity=0)
    nobody_rings()
    common = {"bench": "failover", "runs": options.concurrency * options.rounds}
    weather = Weather(ai, options.seed, down_seconds=(1.0, 5.0), up_seconds=(1.0, 5.0))
    shape = {"rounds": options.rounds, "spread_seconds": options.spread, "seed": options.seed}
    # Whatever the first calls of a process cost is not the storm's.
    storm(people_ready(2), rounds=1, spread_seconds=0.0, seed=0)
    calm = storm(people_ready(options.concurrency), **shape)
    people = people_ready(options.concurrency)
    weather.begin()
    try:
        after = storm(people, **shape)
    finally:
        weather.end()
    usual = [fate.waited for fate in calm.fates if fate.waited is not None]
    opening = [fate.lost for fate in after.fates if fate.failed_attempts]
    behind = [fate.waited for fate in after.fates if fate.skipped and fate.waited is not None]
    emit(**common, conditions=CONDITIONS, cores=os.cpu_count(), concurrency=options.concurrency)
    emit(**common, weather="calm", first_token_ms=_figures(usual), succeeded=calm.succeeded)
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
        first_token_ms_once_open=_figures(behind),
        open_ms_p50=milliseconds(percentile(behind, 0.5) - percentile(usual, 0.5)),
        open_ms_p95=milliseconds(percentile(behind, 0.95) - percentile(usual, 0.95)),
        must=MUST,
    )


def _figures(seconds: list[float]) -> dict[str, float]:
    return {f"p{share}": milliseconds(percentile(seconds, share / 100)) for share in (50, 95)}
