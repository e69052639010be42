"""`script/bench ledger`: hold and settlement pairs a second, ours beside pgbench, in one run.

pgbench writes the same rows into the same tables, knowing the grant beforehand and checking
nothing but the balance: what PostgreSQL can do on this machine at most. It does so in three ways;
the best of them, for each load, is what we are compared with. Rounds are interleaved, so that
whatever else the machine does hits all alike. Afterwards the ledger is reconciled.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from bench.database import CONDITIONS, ledger_database
from bench.report import emit
from script.testbed.tools import postgres_bindir

SCRIPTS = sorted((Path(__file__).parent / "pgbench").glob("*.sql"))
USERS = 10_000
# So that nobody runs dry: the free month of a person in this database.
PLENTY = 10**12
# (users, clients): (what must be reached, what is aimed at), as shares of the best pgbench.
GOALS = {(USERS, 8): (0.35, 0.5), (1, 32): (0.5, 0.8)}

Measure = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Load:
    """users: 1 is the hot user. clients: connections at work at once."""

    users: int
    clients: int


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench ledger")
    parser.add_argument("--quick", action="store_true", help="tiny numbers: does it run at all?")
    parser.add_argument("--clients", default="1,8,32")
    parser.add_argument("--users", default=f"{USERS},1")
    parser.add_argument("--seconds", type=float, default=4, help="of each system in each round")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    if options.quick:
        options.clients, options.users, options.seconds, options.rounds = "1,2", "20,1", 0.2, 1
    program = _pgbench()
    with ledger_database() as url:
        people = _people(max(int(users) for users in options.users.split(",")))
        _warm(people)
        emit(bench="ledger", conditions=CONDITIONS, cores=os.cpu_count(), seconds=options.seconds)
        for users in options.users.split(","):
            for clients in options.clients.split(","):
                load = Load(int(users), int(clients))
                _compare(load, _systems(load, people, program, url, options.seconds), options)
        _reconcile()


def _people(users: int) -> list[int]:
    """Users with this month's free grant, made as the beat makes it."""
    from django.conf import settings
    from django.utils import timezone

    from accounts.models import User
    from billing.services.batches import free_grants_premake

    settings.FREE_MONTHLY_TOKENS = PLENTY
    User.objects.bulk_create([User(email=f"person{n}@example.com") for n in range(users)])
    free_grants_premake(now=timezone.now())
    return list(User.objects.order_by("pk").values_list("pk", flat=True))


def _warm(people: Sequence[int]) -> None:
    """Some history, and statistics of it: plans are then those of a database in use."""
    from django.db import connection

    from bench.ledger_clients import pairs_per_second

    pairs_per_second(users=people, clients=2, seconds=1)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _systems(
    load: Load, people: Sequence[int], program: str, url: str, seconds: float
) -> dict[str, Measure]:
    from bench.ledger_clients import pairs_per_second
    from billing.models import Grant

    chosen = people[: load.users]
    grants = sorted(Grant.objects.filter(user__in=chosen).values_list("pk", flat=True))
    if grants[-1] - grants[0] != len(chosen) - 1:
        raise RuntimeError("pgbench draws grants by number, and these have gaps")
    limits = [f"--define=first_grant={grants[0]}", f"--define=last_grant={grants[-1]}"]
    threads = min(load.clients, os.cpu_count() or 1)
    command = [program, "--no-vacuum", "--protocol=prepared", *limits]
    # pgbench knows whole seconds only.
    command += [f"--time={seconds:.0f}" if seconds >= 1 else "--transactions=50"]
    command += [f"--client={load.clients}", f"--jobs={threads}"]

    def theirs(script: Path) -> Measure:
        return lambda: _run_pgbench([*command, f"--file={script}", url])

    def ours() -> float:
        return pairs_per_second(users=chosen, clients=load.clients, seconds=seconds)

    return {"sitewright": ours, **{f"pgbench {s.stem}": theirs(s) for s in SCRIPTS}}


def _compare(load: Load, systems: dict[str, Measure], options: argparse.Namespace) -> None:
    rates: dict[str, list[float]] = {name: [] for name in systems}
    for _round in range(options.rounds):
        for name, measure in systems.items():
            rates[name].append(measure())
    common = {"bench": "ledger", "users": load.users, "clients": load.clients}
    for name, values in rates.items():
        emit(**common, system=name, pairs_per_second=round(mean(values)), rounds=_whole(values))
    ours = rates.pop("sitewright")
    best = max(rates, key=lambda name: mean(rates[name]))
    share = round(mean(ours) / mean(rates[best]), 3)
    must, aim = GOALS.get((load.users, load.clients), (None, None))
    emit(
        **common,
        compare="share of best pgbench",
        best=best,
        value=share,
        rounds=[round(own / other, 3) for own, other in zip(ours, rates[best], strict=True)],
        must=must,
        aim=aim,
        **({"reached": share >= must} if must is not None else {}),
    )


def _reconcile() -> None:
    from billing.models import Movement
    from billing.services.reconcile import reconcile

    differences = reconcile()
    emit(bench="ledger", movements=Movement.objects.count(), differences=len(differences))
    if differences:
        raise SystemExit(f"the ledger does not balance: {differences[0]}")


def _pgbench() -> str:
    place = postgres_bindir()
    if place is None or not (place / "pgbench").exists():
        raise SystemExit("script/bench ledger needs pgbench: apt-get install postgresql")
    return str(place / "pgbench")


def _run_pgbench(command: list[str]) -> float:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rate = re.search(r"^tps = ([\d.]+) \(without", done.stdout, re.MULTILINE)
    if done.returncode != 0 or rate is None:
        raise RuntimeError(f"pgbench failed: {done.stderr[-2000:]}")
    return float(rate[1])


def _whole(values: Sequence[float]) -> list[int]:
    return [round(value) for value in values]
