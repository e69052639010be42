"""What the supervisor says: progress and trouble on stderr; stdout has only the ready line."""

from __future__ import annotations

import sys
from typing import Final

# Begins those lines of a child that has ended well which the terminal should show all the same.
WARNING: Final = "warning: "


def say(text: str) -> None:
    print(f"sitewright: {text}", file=sys.stderr, flush=True)


def say_ready(url: str) -> None:
    print(f"ready {url}", flush=True)
