"""`script/mutation [names of mutants]`: does a test fail when a line of the ledger is changed?

mutmut works on a copy of what is committed, with the ledger's quick tests on SQLite. Every mutant
runs the tests that touch its function until one fails. Fails itself if fewer than 90 % are killed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from script.testbed import servers
from script.testbed.tell import say

ROOT = Path(__file__).resolve().parent.parent.parent
KILLED_SHARE = 0.9
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
    "services/premium_batch",
    "services/reconcile",
)
# Those that are quick and exact: no races, no state machine, no pages.
TESTS = (
    "periods",
    "grants",
    "clawbacks",
    "adjustments",
    "holds",
    "entitlement",
    "selectors",
    "reconcile",
    "clock",
)
# A mutant's tests begin with a migrated database of their own: a copy of the first run's.
DATABASE_PLUGIN = """
import os, shutil
from pathlib import Path
import pytest

TEMPLATE = Path(os.environ["MUTATION_DATABASE"])

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    from django.conf import settings
    name = TEMPLATE
    if TEMPLATE.exists():
        name = TEMPLATE.with_suffix(f".{os.getpid()}")
        shutil.copy(TEMPLATE, name)
    settings.DATABASES["default"]["TEST"]["NAME"] = str(name)

def pytest_unconfigure(config):
    copies = TEMPLATE.with_suffix(f".{os.getpid()}").name
    for each in TEMPLATE.parent.glob(f"{copies}*"):
        each.unlink(missing_ok=True)
"""


def main(names: list[str]) -> int:
    folder = Path(tempfile.mkdtemp(prefix="sitewright-mutation-"))
    copy = folder / "copy"
    redis = servers.start_redis(folder)
    try:
        _copy_of_what_is_committed(copy)
        environment = {
            **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
            "REDIS_URL": redis.url,
            "STATE_DIR": str(folder / "var"),
            "MUTATION_DATABASE": str(folder / "tests.sqlite"),
        }
        command = [sys.executable, "-m", "mutmut"]
        subprocess.run(
            [*command, "run", "--max-children", str(os.cpu_count() or 1), *names],
            cwd=copy,
            env=environment,
            check=False,
        )
        return _report(copy, command, environment)
    finally:
        redis.end()
        servers.remove(folder)


def _copy_of_what_is_committed(copy: Path) -> None:
    copy.mkdir()
    archive = subprocess.run(
        ["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True
    ).stdout
    subprocess.run(["tar", "-x"], cwd=copy, input=archive, check=True)
    (copy / "tests" / "mutation_database.py").write_text(DATABASE_PLUGIN)
    others = [each.name for each in copy.iterdir() if each.name not in {"billing", "docs"}]
    facts = {
        "source_paths": ["billing"],
        "only_mutate": [f"billing/{name}.py" for name in MUTATED],
        "also_copy": sorted(others),
        "pytest_add_cli_args": ["-p", "tests.mutation_database", "--reuse-db", "-p", "no:xdist"],
        "pytest_add_cli_args_test_selection": [f"tests/billing/test_{name}.py" for name in TESTS],
        "timeout_multiplier": 5.0,
        "timeout_constant": 20.0,
    }
    with (copy / "pyproject.toml").open("a") as pyproject:
        pyproject.write("\n[tool.mutmut]\n")
        # Lists of strings and numbers are written alike in Python and TOML.
        pyproject.writelines(f"{name} = {value!r}\n" for name, value in facts.items())


def _report(copy: Path, command: list[str], environment: dict[str, str]) -> int:
    def mutmut(*arguments: str) -> str:
        return subprocess.run(
            [*command, *arguments], cwd=copy, env=environment, capture_output=True, text=True
        ).stdout

    lines = [line.split(": ") for line in mutmut("results", "--all", "true").splitlines() if line]
    states = {name.strip(): state.strip() for name, state in lines}
    counted = Counter(state for state in states.values() if state != "not checked")
    # A mutant that never ends was noticed.
    killed, total = counted["killed"] + counted["timeout"], counted.total()
    for name, state in states.items():
        if state not in {"killed", "timeout", "not checked"}:
            print(f"\n--- {name}: {state}\n{mutmut('show', name)}", flush=True)
    say(f"{dict(counted)}: {killed} of {total} killed")
    return 0 if total and killed >= KILLED_SHARE * total else 1


if __name__ == "__main__":
    shutil.which("git") or sys.exit("git is needed")
    sys.exit(main(sys.argv[1:]))
