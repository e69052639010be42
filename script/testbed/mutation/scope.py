"""What is mutated, and which tests are to notice."""

from __future__ import annotations

# Of `billing/`. The engine of PostgreSQL is two calls; what they do is SQL.
MUTATED = (
    "allowances",
    "entitlement",
    "periods",
    "services/adjustments",
    "services/batches",
    "services/clawbacks",
    "services/engines/__init__",
    "services/engines/portable",
    "services/grants",
    "services/holds",
    "services/issuing",
    "services/premake",
    "services/premium_batch",
    "services/reconcile",
)
# Quick and exact: no state machine, no pages.
TESTS = (
    "adjustments",
    "batches",
    "clawbacks",
    "clock",
    "docs",
    "entitlement",
    "grants",
    "holds",
    "issuing",
    "periods",
    "reconcile",
    "selectors",
    "tasks",
)
# Those that need the database's locks.
POSTGRESQL_TESTS = ("race",)


def test_files(database: str) -> list[str]:
    names = TESTS + (POSTGRESQL_TESTS if database == "postgresql" else ())
    return [f"tests/billing/test_{name}.py" for name in names]
