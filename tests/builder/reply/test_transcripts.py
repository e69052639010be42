"""Agreement with aider's parser on real replies; every difference is known by its row.

docs/reply-format.md gives the reason for each difference listed here.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from builder.reply import parse_reply

TRANSCRIPTS = Path(__file__).parents[3] / "../shared/data/edit-transcripts.jsonl"
pytestmark = pytest.mark.skipif(not TRANSCRIPTS.exists(), reason="../shared/data is not here")

# Rows whose recorded blocks belong to another reply: their text holds no block at all.
MISPAIRED = {36: 1, 48: 1, 53: 3, 64: 1, 70: 1, 106: 1, 113: 1, 153: 3}
# A recorded error of another reply likewise: the text is a list of settings.
MISPAIRED_ERRORS = {161}
# aider gives up at the first broken block; we keep the whole blocks around it.
KEPT_BESIDE_AN_ERROR = {2: 3, 4: 2, 18: 1, 52: 1, 81: 1, 88: 1, 92: 6, 132: 2, 151: 4}
# A whole file under its path, which aider's edit format does not know.
WHOLE_FILES = {172: ["path/to/install_pandas_instructions.txt"]}

Block = tuple[str, str, str]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in TRANSCRIPTS.read_text().splitlines()]


def recorded(row: dict[str, Any]) -> list[Block]:
    """aider's blocks; its shell commands are samples to us, never files or edits."""
    return [(b["path"], b["search"], b["replace"]) for b in row["blocks"] if "path" in b]


def found(row: dict[str, Any]) -> list[Block]:
    return [(e.path, e.search, e.replace) for e in parse_reply(row["text"]).edits]


def test_every_block_that_the_text_holds_is_identical(rows: list[dict[str, Any]]) -> None:
    lost = {n: len(recorded(row)) for n, row in enumerate(rows) if recorded(row) != found(row)}
    more = {n for n, row in enumerate(rows) if row["error"] and found(row)}
    assert {n: count for n, count in lost.items() if n not in more} == MISPAIRED
    assert not any("<<<<<" in rows[n]["text"] for n in MISPAIRED)
    total = sum(len(recorded(row)) for row in rows)
    assert (total, sum(MISPAIRED.values())) == (299, 12)


def test_blocks_beside_a_broken_one_are_kept(rows: list[dict[str, Any]]) -> None:
    beside = {n: len(found(row)) for n, row in enumerate(rows) if row["error"] and found(row)}
    assert beside == KEPT_BESIDE_AN_ERROR


def test_errors_are_reported_where_aider_reports_one(rows: list[dict[str, Any]]) -> None:
    ours = {n for n, row in enumerate(rows) if parse_reply(row["text"]).errors}
    theirs = {n for n, row in enumerate(rows) if row["error"]}
    assert (theirs - ours, ours - theirs) == (MISPAIRED_ERRORS, set())
    for n in ours:
        assert [e.code for e in parse_reply(rows[n]["text"]).errors] == ["unclosed_edit"]


def test_no_shell_command_or_sample_becomes_a_file(rows: list[dict[str, Any]]) -> None:
    files = {n: [f.path for f in parse_reply(row["text"]).files] for n, row in enumerate(rows)}
    assert {n: paths for n, paths in files.items() if paths} == WHOLE_FILES
    assert sum("shell" in block for row in rows for block in row["blocks"]) == 11
