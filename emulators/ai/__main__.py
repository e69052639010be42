"""python -m emulators.ai --host 127.0.0.1 --port 8100"""

from __future__ import annotations

import argparse
import os
import sys

from emulators.ai.app import DEFAULT_PACE
from emulators.ai.server import PortTaken, serve


def _pace(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError("a number from 0 (flat out) to 100")
    return value


def main() -> int:
    """Run the emulator; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m emulators.ai",
        description="Stands in for OpenRouter, DashScope, OpenAI and Anthropic.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument(
        "--pace",
        type=_pace,
        default=os.environ.get("EMULATOR_PACE", str(DEFAULT_PACE)),
        help="scales every delay: 0 is flat out, 1 a page in 4 to 12 seconds (EMULATOR_PACE)",
    )
    options = parser.parse_args()
    try:
        serve(host=options.host, port=options.port, pace=options.pace)
    except PortTaken as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
