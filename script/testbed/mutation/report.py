"""Results: kept line by line as they come, so that a run that was cut off goes on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from script.testbed.mutation.mutants import Mutant

NOTICED = {"killed", "timeout"}


class Results:
    """tests: version of the tests that are there now (`mutants.tests_version`)."""

    def __init__(self, path: Path, tests: str) -> None:
        self.path = path
        self.tests = tests

    def states(self, mutants: Iterable[Mutant], database: str | None = None) -> dict[str, str]:
        """By name of the mutant: killed, timeout or survived; without those that nothing is
        known of. A noticed mutant stays so until its function changes. database: survivors only
        of this one, and of all tests that are there now."""
        digests = {mutant.name: mutant.digest for mutant in mutants}
        found: dict[str, str] = {}
        for line in self._lines():
            if digests.get(line["mutant"]) != line["digest"]:
                continue
            if line["state"] in NOTICED:
                found[line["mutant"]] = line["state"]
            elif database is None or self._is_settled(line, database):
                found.setdefault(line["mutant"], line["state"])
        return found

    def _is_settled(self, line: dict[str, Any], database: str) -> bool:
        asked_all = line.get("tests_asked_max") is None
        return asked_all and (database, self.tests) == (line["database"], line["tests"])

    def cpu_seconds(self) -> list[float]:
        return [line["cpu_seconds"] for line in self._lines()]

    def _lines(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines()]


def report(mutants: list[Mutant], states: dict[str, str]) -> float:
    """Print every survivor and a table. Returns the share of the mutants run that were killed."""
    for mutant in mutants:
        if states.get(mutant.name) == "survived":
            print(f"\n--- {mutant.name}\n{mutant.change}")
    print("\n| module | mutants | run | killed | |\n|---|---|---|---|---|")
    for module in dict.fromkeys(mutant.module for mutant in mutants):
        _row(f"`{module}`", [mutant for mutant in mutants if mutant.module == module], states)
    return _row("together", mutants, states)


def _row(label: str, mutants: list[Mutant], states: dict[str, str]) -> float:
    counted = Counter(states[each.name] for each in mutants if each.name in states)
    killed, run = counted["killed"] + counted["timeout"], counted.total()
    share = killed / run if run else 0.0
    print(f"| {label} | {len(mutants)} | {run} | {killed} | {share:.1%} |")
    return share
