"""What the test bed says, on stderr: stdout is pytest's."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    print(f"script/test: {text}", file=sys.stderr, flush=True)
