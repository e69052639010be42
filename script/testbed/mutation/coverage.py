"""Branch coverage of the ledger: its tests on SQLite and on PostgreSQL, counted together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from script.testbed.mutation.scope import MUTATED, TESTS

# Not mutated, for mutmut leaves decorated functions alone and SQL is no Python, but measured.
ALSO_MEASURED = ("services/engines/postgresql", "services/engines/types", "tasks/ledger")
# What runs only on PostgreSQL: its engine, the locks, the statements of the batches.
POSTGRESQL_TESTS = ("batches", "holds")


def coverage_measure(root: Path, folder: Path, environments: dict[str, dict[str, str]]) -> int:
    """Prints a table with what is missing. Returns 0 only if the tests pass and nothing is."""
    settings = folder / "branches.ini"
    included = ",".join(f"billing/{name}.py" for name in (*MUTATED, *ALSO_MEASURED))
    settings.write_text(
        f"[run]\nbranch = true\ndata_file = {folder / 'coverage'}\ninclude = {included}\n"
        "concurrency = thread\n"
    )
    coverage = [sys.executable, "-m", "coverage"]
    for database, environment in environments.items():
        names = POSTGRESQL_TESTS if database == "postgresql" else TESTS
        files = [f"tests/billing/test_{name}.py" for name in names]
        command = [*coverage, "run", "--append", f"--rcfile={settings}", "-m", "pytest", "-q"]
        command += ["-p", "no:xdist", "-p", "no:cacheprovider", *files]
        done = subprocess.run(command, cwd=root, env=environment, check=False)
        if done.returncode != 0:
            return done.returncode
    shown = [*coverage, "report", f"--rcfile={settings}", "--show-missing", "--fail-under=100"]
    return subprocess.run(shown, cwd=root, check=False).returncode
