"""python -m emulators.stripe --port 8200 --state var/stripe.jsonl"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from emulators.serving import PortTaken
from emulators.stripe.server import serve


def main() -> int:
    """Run the emulator; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m emulators.stripe",
        description="Stands in for Stripe: API, checkout, portal, webhooks. No money moves.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8200)
    parser.add_argument("--state", type=Path, help="where it is kept; in memory where not given")
    parser.add_argument(
        "--webhook-secret",
        default=os.environ.get("STRIPE_WEBHOOK_SECRET", ""),
        help="what events are signed with, whsec_… (STRIPE_WEBHOOK_SECRET); made up if not given",
    )
    parser.add_argument("--url", default="", help="where browsers reach it, if elsewhere")
    options = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        serve(
            host=options.host,
            port=options.port,
            path=options.state,
            webhook_secret=options.webhook_secret,
            url=options.url.rstrip("/"),
        )
    except PortTaken as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
