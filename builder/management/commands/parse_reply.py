"""`manage.py parse_reply --jsonl`: what the run's own parser makes of replies, line by line."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import BaseCommand

from builder.reply.parser import parse_reply


def reply_line(line: str) -> str:
    """One JSON line `{"text": …}` to one JSON line of files, edits and errors. Never raises."""
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        return _refused("The line is not JSON.")
    text = given.get("text") if isinstance(given, dict) else None
    if not isinstance(text, str):
        return _refused('The line is not an object with a string "text".')
    parsed = parse_reply(text)
    return json.dumps(
        {
            "files": [{"path": f.path, "content": f.content} for f in parsed.files],
            "edits": [
                {"path": e.path, "search": e.search, "replace": e.replace} for e in parsed.edits
            ],
            "errors": [
                {"code": e.code, "message": e.message, "path": e.path} for e in parsed.errors
            ],
        }
    )


def reply_lines(lines: Iterable[bytes]) -> Iterator[str]:
    """Every line's answer, in order; blank lines are passed over."""
    for line in lines:
        if line.strip():
            yield reply_line(line.decode("utf-8", "replace"))


def _refused(message: str) -> str:
    error = {"code": "bad_line", "message": message, "path": None}
    return json.dumps({"files": [], "edits": [], "errors": [error]})


class Command(BaseCommand):
    help = "Reads JSON lines {“text”} on standard input; prints the files, edits, errors of each."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--jsonl", action="store_true", help="JSON lines in and out (the only format)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for answer in reply_lines(sys.stdin.buffer):
            sys.stdout.write(answer + "\n")
            sys.stdout.flush()
