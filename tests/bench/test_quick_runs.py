"""Benchmarks run with tiny numbers and print the figures they are asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from script.testbed.tools import postgres_bindir

ROOT = Path(__file__).resolve().parents[2]
_bindir = postgres_bindir()


def _lines(name: str, **variables: str) -> list[dict[str, object]]:
    environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "STATE_DIR")}
    done = subprocess.run(
        [sys.executable, "-m", "bench", name, "--quick"],
        cwd=ROOT,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.skipif(
    _bindir is None or not (_bindir / "pgbench").exists(),
    reason="pgbench is not installed: apt-get install postgresql",
)
def test_the_ledger_is_measured_beside_pgbench_and_balances_afterwards(
    database_new: Callable[[str, Path], str], tmp_path: Path
) -> None:
    # The other benchmark shows that they start and migrate a server of their own.
    url = database_new("bench_ledger", tmp_path)
    lines = _lines("ledger", **({"BENCH_DATABASE_URL": url} if "://" in url else {}))
    rates = {(row["users"], row["clients"], row["system"]) for row in lines if "system" in row}
    assert {system for _, _, system in rates} == {
        "sitewright",
        "pgbench pipeline",
        "pgbench statement",
        "pgbench transaction",
    }
    assert {load[:2] for load in rates} == {(20, 1), (20, 2), (1, 1), (1, 2)}
    assert all(row["pairs_per_second"] for row in lines if "system" in row)
    shares = [row for row in lines if "compare" in row]
    assert len(shares) == 4
    assert all(row["value"] and str(row["best"]).startswith("pgbench") for row in shares)
    assert lines[-1]["differences"] == 0


@pytest.mark.skipif(_bindir is None, reason="PostgreSQL is not installed")
def test_resets_are_measured_beside_bare_inserts_and_a_bystander():
    lines = _lines("resets")
    steps = {row["step"]: row for row in lines if "step" in row}
    assert list(steps) == [
        "nothing",
        "bare inserts",
        "monthly reset",
        "old month expires",
        "premium day",
        "monthly reset, shared",
    ]
    for name, row in steps.items():
        assert {"bystander_ms_p50", "bystander_ms_p99", "bystander_ms_max"} <= row.keys()
        assert name == "nothing" or row["accounts_per_second"]
    # The peer does one of the two batches, and of those the old month expires.
    assert [row["accounts"] for row in list(steps.values())[1:]] == [
        1_000,
        2_000,
        1_000,
        200,
        2_000,
    ]
    assert sum("bound" in row for row in lines) == 2
    assert lines[-1] == {"bench": "resets", "differences": 0}


@pytest.mark.skipif(_bindir is None, reason="PostgreSQL is not installed")
def test_failover_is_measured_with_all_runs_at_once(
    database_new: Callable[[str, Path], str], tmp_path: Path
) -> None:
    url = database_new("bench_failover", tmp_path)
    shape, calm, alone, after = _lines(
        "failover", **({"BENCH_DATABASE_URL": url} if "://" in url else {})
    )
    assert (shape["concurrency"], shape["answer"]) == (6, 3.0)
    assert [calm["succeeded"], alone["succeeded"], after["succeeded"]] == [6, 6, 6]
    assert [row["streams_at_once"] for row in (calm, alone, after)] == [6, 6, 6]
    assert after["runs_while_opening"]
    assert {after[name] for name in ("doubled_or_lost_bytes", "wrong_charges")} == {0}
    assert after["ledger_differences"] == 0


@pytest.mark.skipif(_bindir is None, reason="PostgreSQL is not installed")
def test_the_usage_page_is_measured(
    database_new: Callable[[str, Path], str], tmp_path: Path
) -> None:
    url = database_new("bench_usage", tmp_path)
    lines = _lines("usage", **({"BENCH_DATABASE_URL": url} if "://" in url else {}))
    figures = {row["what"]: row["ms_p95"] for row in lines if "what" in row}
    assert {"page", "api", "csv", "dashboard", "receipts_csv"} == set(figures)
    assert all(figures.values())
