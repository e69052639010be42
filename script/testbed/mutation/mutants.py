"""The mutants, which mutmut makes: a copy of what is committed, in which every function of the
ledger stands beside its changed versions; a name in the environment picks the one that is called.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.data import LineSpan
from mutmut.mutation.file_mutation import MutatedFile, mutate_file_contents
from mutmut.utils.format_utils import get_mutant_name

from script.testbed.mutation.scope import MUTATED

# Whose code speaks of the database in use, of locks or of transactions.
DATABASE_DIFFERS = r"connection|_lock\b|_locked\b|select_for_update|savepoint"


@dataclass(frozen=True, slots=True)
class Mutant:
    """name: as mutmut knows it. function: its mangled name, with the module. digest: of the
    function's code as it is. change: a unified diff. by_database: its function does one thing on
    SQLite and another on PostgreSQL."""

    name: str
    module: str
    function: str
    digest: str
    change: str
    by_database: bool


def committed_copy(root: Path, copy: Path) -> None:
    """What is committed at `root`, in the new folder `copy`."""
    copy.mkdir()
    archive = subprocess.run(
        ["git", "archive", "HEAD"], cwd=root, check=True, capture_output=True
    ).stdout
    subprocess.run(["tar", "-x"], cwd=copy, input=archive, check=True)


def tests_version(root: Path) -> str:
    """Changes with whatever is committed of the ledger's tests."""
    command = ["git", "rev-parse", "HEAD:tests/billing"]
    return subprocess.run(
        command, cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()


def mutants_write(copy: Path) -> list[Mutant]:
    """Mutate the ledger's modules in the copy, which becomes the folder we work in."""
    # mutmut reads its settings there, and wants to be told this one.
    with (copy / "pyproject.toml").open("a") as pyproject:
        pyproject.write('\n[tool.mutmut]\nsource_paths = ["billing"]\n')
    os.chdir(copy)
    mutants: list[Mutant] = []
    for module in MUTATED:
        path = Path(f"billing/{module}.py")
        mutated = mutate_file_contents(str(path), path.read_text())
        path.write_text(mutated.code)
        mutants += (_mutant(module, path, mutated, name) for name in mutated.mutant_names)
    return mutants


def _mutant(module: str, path: Path, mutated: MutatedFile, name: str) -> Mutant:
    function = name.partition("__mutmut_")[0]
    lines = mutated.code.splitlines()
    spans = mutated.line_span_by_function_name
    before = _code(lines, spans[f"{function}__mutmut_orig"])
    after = _code(lines, spans[name])
    # The first two lines name files.
    change = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
    return Mutant(
        name=get_mutant_name(path, name),
        module=module,
        function=get_mutant_name(path, function),
        digest=mutated.hash_by_function_name[function],
        change="\n".join(line for line in change if not line.startswith("@@")),
        by_database=re.search(DATABASE_DIFFERS, "\n".join(before)) is not None,
    )


def _code(lines: list[str], span: LineSpan) -> list[str]:
    """The lines of a function, with its name as it was."""
    return [
        re.sub(r"x_(\w+?)__mutmut_\w+", r"\1", line) for line in lines[span.start - 1 : span.end]
    ]
