"""`script/mutation [names]`: does a test fail when a line of the ledger is changed?

What survives on SQLite, but may not where there are locks, gets a second chance on PostgreSQL.
Fails itself if fewer than 90 % are killed. `--coverage`: the branches of the same modules instead.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path

from script.testbed import servers
from script.testbed.__main__ import test_environment
from script.testbed.mutation.coverage import coverage_measure
from script.testbed.mutation.mutants import Mutant, committed_copy, mutants_write, tests_version
from script.testbed.mutation.report import Results, report
from script.testbed.mutation.scope import test_files
from script.testbed.tell import say

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "var" / "mutation.jsonl"
KILLED_SHARE = 0.9
SEED = 1


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/mutation", description=__doc__)
    parser.add_argument("names", nargs="*", default=["*"], help="billing.services.holds*")
    parser.add_argument("--fresh", action="store_true", help="forget the results there are")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--tests-max", type=int, help="ask no more tests about a mutant")
    parser.add_argument("--coverage", action="store_true", help="measure branches, no mutants")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="sitewright-mutation-"))
    running = [servers.start_postgres(folder), servers.start_redis(folder)]
    databases = {"sqlite": f"sqlite:///{folder}/unused.sqlite", "postgresql": running[0].url}
    environments = {
        name: test_environment(database_url=url, redis_url=running[1].url, state_dir=folder / "var")
        for name, url in databases.items()
    }
    try:
        if options.coverage:
            return coverage_measure(ROOT, folder, environments)
        if options.fresh:
            RESULTS.unlink(missing_ok=True)
        return _mutate(folder, environments, options)
    finally:
        for server in reversed(running):
            server.end()
        servers.remove(folder)


def _mutate(
    folder: Path, environments: dict[str, dict[str, str]], options: argparse.Namespace
) -> int:
    results = Results(RESULTS, tests_version(ROOT))
    results.path.parent.mkdir(exist_ok=True)
    committed_copy(ROOT, folder / "copy")
    mutants = [
        mutant
        for mutant in mutants_write(folder / "copy")
        if any(fnmatchcase(mutant.name, name) for name in options.names)
    ]
    for database, environment in environments.items():
        wanted = _wanted(mutants, results, database)
        say(f"{len(wanted)} of {len(mutants)} mutants to run on {database}")
        job = {
            "mutants": [asdict(mutant) for mutant in wanted],
            "results": str(results.path),
            "tests": results.tests,
            "tests_max": options.tests_max,
            # On PostgreSQL they would wait for each other's rows.
            "processes": options.processes if database == "sqlite" else 1,
        }
        if wanted and not _run(folder, environment, test_files(database), job):
            return 2
    share = report(mutants, results.states(mutants))
    return 0 if share >= KILLED_SHARE else 1


def _wanted(mutants: list[Mutant], results: Results, database: str) -> list[Mutant]:
    """Those of which nothing is known yet, in an order that makes a run that is cut off a fair
    sample of all modules."""
    known = results.states(mutants, database)
    wanted = [
        mutant
        for mutant in mutants
        if mutant.name not in known and (database == "sqlite" or mutant.by_database)
    ]
    random.Random(SEED).shuffle(wanted)  # noqa: S311 - an order, no secret
    return wanted


def _run(
    folder: Path, environment: dict[str, str], tests: list[str], job: dict[str, object]
) -> bool:
    (folder / "job.json").write_text(json.dumps(job))
    plugins = ["no:xdist", "no:randomly", "no:cacheprovider", "script.testbed.mutation.plugin"]
    command = [sys.executable, "-m", "pytest", "-q", "--capture=sys", "--assert=plain"]
    command += [argument for plugin in plugins for argument in ("-p", plugin)]
    done = subprocess.run(
        [*command, *tests],
        cwd=folder / "copy",
        env={**environment, "MUTATION_JOB": str(folder / "job.json")},
        check=False,
    )
    # 5: pytest itself ran no test.
    return done.returncode in {0, 5}


if __name__ == "__main__":
    shutil.which("git") or sys.exit("git is needed")
    sys.exit(main(sys.argv[1:]))
