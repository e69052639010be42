"""`manage.py parse_reply --jsonl`, in and out of its process."""

import json
import subprocess
import sys
from pathlib import Path

from builder.management.commands.parse_reply import reply_line, reply_lines

ROOT = Path(__file__).parents[3]
REPLY = (
    "index.html\n```html\n<p>é</p>\n```\na.css\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n"
)
ANSWER = {
    "files": [{"path": "index.html", "content": "<p>é</p>\n"}],
    "edits": [{"path": "a.css", "search": "a\n", "replace": "b\n"}],
    "errors": [],
}


def test_a_reply_is_answered_with_its_blocks() -> None:
    assert json.loads(reply_line(json.dumps({"text": REPLY}))) == ANSWER


def test_errors_have_a_code_a_message_and_a_path() -> None:
    answer = json.loads(reply_line('{"text": "a.css\\n<<<<<<< SEARCH\\n"}'))
    assert answer["errors"] == [
        {
            "code": "unclosed_edit",
            "message": "An edit has no >>>>>>> REPLACE line.",
            "path": "a.css",
        }
    ]


def test_bad_lines_are_answered_and_the_next_are_read() -> None:
    bad = [b"nonsense", b"[]", b'{"text": 1}', b"{}", b"\xff\xfe", b"[" * 100_000, b"null"]
    good = json.dumps({"text": REPLY}).encode()
    answers = [json.loads(line) for line in reply_lines([*bad, b"\n", good])]
    assert [[e["code"] for e in one["errors"]] for one in answers[:-1]] == [["bad_line"]] * 7
    assert all(one["files"] == one["edits"] == [] for one in answers[:-1])
    assert answers[-1] == ANSWER


def test_lone_surrogates_are_answered() -> None:
    answer = json.loads(reply_line('{"text": "a.txt\\n```\\n\\ud83d\\n```"}'))
    assert answer["files"] == [{"path": "a.txt", "content": "\ud83d\n"}]


def test_the_command_reads_standard_input_and_needs_no_database() -> None:
    lines = json.dumps({"text": REPLY}) + "\nnonsense\n" + json.dumps({"text": ""}) + "\n"
    done = subprocess.run(
        [sys.executable, "manage.py", "parse_reply", "--jsonl"],
        cwd=ROOT,
        input=lines.encode(),
        capture_output=True,
        timeout=120,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers[0] == ANSWER
    assert answers[1]["errors"][0]["code"] == "bad_line"
    assert answers[2] == {"files": [], "edits": [], "errors": []}
