"""`script/bench resets`: the 1st of a month for 1,000,000 accounts, while somebody works.

Accounts a second for the month's free grants (each a grant and its movement), for expiring the
old month's (each an update and a movement), and for the day's premium grants; and how long a
bystander's holds take meanwhile. The peer is SQL that inserts the same rows in batches of the
same size and asks nothing: what PostgreSQL can do with this schema on this machine with one
connection, for every fifth batch. We and it take turns. What its time goes into is shown on copies
of the tables. A million takes some three minutes on two quiet cores.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bench.database import CONDITIONS, ledger_database
from bench.report import emit

MUST = {"accounts_per_second": 80_000, "bystander_ms_p99": 20}
AIM = {"accounts_per_second": 150_000, "bystander_ms_p99": 5}
# A step's instant is its bystander's, too; beside the bare inserts of November it is October, so
# that those meet nobody's rows.
OCTOBER, NOVEMBER = datetime(2026, 10, 15, tzinfo=UTC), datetime(2026, 11, 15, tzinfo=UTC)
DECEMBER, JANUARY = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
TURNS = 4
# Of so many batches the peer does one, and of those the old month expires: a million more of each
# would tell the same.
ONE_OF = 5
COPIED_ACCOUNTS = 100_000

Beside = Callable[..., AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """turns: the work, in as many parts as it takes turns with another step."""

    name: str
    accounts: int
    now: datetime
    turns: Sequence[Callable[[], object]]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench resets")
    parser.add_argument("--quick", action="store_true", help="tiny numbers: does it run at all?")
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--subscribers", type=int, default=100_000)
    parser.add_argument("--batch", type=int, help="accounts in a transaction; else as production")
    parser.add_argument("--every-ms", type=int, default=20, help="pace of the bystander")
    parser.add_argument(
        "--alone", type=float, default=3, help="seconds of the bystander alone in each turn"
    )
    parser.add_argument("--connections", type=int, default=2, help="that share a reset at last")
    options = parser.parse_args(arguments)
    if options.quick:
        options.accounts, options.subscribers, options.batch = 2_000, 200, 1_000
        options.alone = 0.2
    with ledger_database():
        from bench.bystander import bystander
        from bench.database import wal_age
        from bench.reset_work import accounts_seed
        from billing.tasks.ledger import PREMAKE_BATCH

        batch = options.batch or PREMAKE_BATCH
        first, last = accounts_seed(options.accounts, options.subscribers, premium_on=DECEMBER)
        if not options.quick:
            wal_age()
        emit(bench="resets", conditions=CONDITIONS, cores=os.cpu_count(), batch=batch)
        beside = partial(bystander, first_user=first, last_user=last, every_ms=options.every_ms)
        rates = _run(options, batch, (first, last), beside)
        _compare(rates, batch, first, last)
        _reconcile()


def _run(
    options: argparse.Namespace, batch: int, ends: tuple[int, int], beside: Beside
) -> dict[str, float]:
    from bench.bare import rows_insert
    from bench.reset_work import at_once, reset, sweep, windows
    from billing.periods import month_of
    from billing.services.premium_batch import premium_grants_premake

    accounts, connections = options.accounts, options.connections
    some, old = windows(*ends, batch)[::ONE_OF], month_of(NOVEMBER)
    few = sum(last - first + 1 for first, last in some)
    bare = [partial(rows_insert, old, some[turn::TURNS]) for turn in range(TURNS)]
    ours = [partial(reset, DECEMBER, batch, turn, TURNS) for turn in range(TURNS)]
    shared = [partial(reset, JANUARY, batch, part, connections) for part in range(connections)]
    premium = partial(premium_grants_premake, now=DECEMBER, batch=batch)
    return {
        **_measure(
            [
                Step("nothing", 0, OCTOBER, [partial(time.sleep, options.alone)] * TURNS),
                Step("bare inserts", few, OCTOBER, bare),
                Step("monthly reset", accounts, DECEMBER, ours),
            ],
            beside,
        ),
        **_measure(
            [Step("old month expires", few, DECEMBER, [partial(sweep, DECEMBER, batch)])],
            beside,
        ),
        **_measure([Step("premium day", options.subscribers, DECEMBER, [premium])], beside),
        **_measure(
            [Step("monthly reset, shared", accounts, JANUARY, [partial(at_once, shared)])], beside
        ),
    }


def _measure(steps: Sequence[Step], beside: Beside) -> dict[str, float]:
    """Turn by turn, each with a bystander. Accounts a second, by step."""
    from bench.bystander import Waits

    seconds = {step.name: 0.0 for step in steps}
    waits = {step.name: Waits() for step in steps}
    for turn in range(len(steps[0].turns)):
        for step in steps:
            with beside(now=step.now) as turn_waits:
                began = time.perf_counter()
                step.turns[turn]()
                seconds[step.name] += time.perf_counter() - began
            waits[step.name].holds += turn_waits.holds
    for step in steps:
        rate = round(step.accounts / seconds[step.name])
        row = {"accounts_per_second": rate, **waits[step.name].figures()}
        judged = _judged(row) if step.name.startswith("monthly reset") else {}
        took = round(seconds[step.name], 2)
        emit(bench="resets", step=step.name, accounts=step.accounts, seconds=took, **row, **judged)
    return {step.name: step.accounts / seconds[step.name] for step in steps}


def _judged(row: dict[str, Any]) -> dict[str, Any]:
    fast = row["accounts_per_second"] >= MUST["accounts_per_second"]
    smooth = row["bystander_ms_p99"] <= MUST["bystander_ms_p99"]
    return {"must": MUST, "aim": AIM, "reached": {"speed": fast, "bystander": smooth}}


def _compare(rates: dict[str, float], batch: int, first: int, last: int) -> None:
    """Our share of the peer, and where the peer's time goes."""
    from bench.bare import COPIES, copy_seconds
    from bench.reset_work import windows
    from billing.periods import month_of

    for name in ("monthly reset", "monthly reset, shared"):
        share = round(rates[name] / rates["bare inserts"], 3)
        emit(bench="resets", compare=f"{name}, share of bare inserts", value=share)
    few = windows(first, min(last, first + COPIED_ACCOUNTS - 1), batch)
    accounts = few[-1][1] - few[0][0] + 1
    for label, like in COPIES.items():
        rate = round(accounts / copy_seconds(month_of(NOVEMBER), few, like=like))
        emit(bench="resets", bound=f"bare inserts {label}", accounts_per_second=rate)


def _reconcile() -> None:
    from billing.services.reconcile import reconcile

    differences = reconcile()
    emit(bench="resets", differences=len(differences))
    if differences:
        raise SystemExit(f"the ledger does not balance: {differences[0]}")
