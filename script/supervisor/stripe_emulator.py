"""The emulated Stripe of a machine without a key: where it is, and what the app signs in with.

Key and signing secret are made once and kept, so that the database and the emulator, which both
outlive a restart, go on knowing each other.
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path
from typing import Final

import requests

from config.env import kept_secret
from script.supervisor.ports import InternalPorts

# Given to `prepare`: bring the emulator's catalogue and webhook endpoint up to date.
SYNC_STRIPE: Final = "--sync-stripe"
START_SECONDS: Final = 15.0


class EmulatedStripe:
    """Knows how to start it, and the environment of the app that talks to it."""

    def __init__(self, state_dir: Path, ports: InternalPorts) -> None:
        self._state = state_dir / "stripe" / "journal.jsonl"
        secret = kept_secret(state_dir / "stripe" / "secret")
        # dj-stripe takes letters and digits only.
        digest = hashlib.sha256(secret.encode()).hexdigest()
        self.secret_key = f"sk_test_{digest[:32]}"
        self.webhook_secret = f"whsec_{digest[32:]}"
        self._port = ports.choose("stripe")
        self.url = f"http://127.0.0.1:{self._port}"

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "emulators.stripe"),
            *("--port", str(self._port), "--state", str(self._state)),
        ]

    @property
    def environment(self) -> dict[str, str]:
        """What the app reads; only the address tells it from the real Stripe."""
        return {
            "STRIPE_API_BASE": self.url,
            "STRIPE_SECRET_KEY": self.secret_key,
            "STRIPE_WEBHOOK_SECRET": self.webhook_secret,
        }


def wait_until_up(url: str) -> bool:
    """Whether the emulator answers; waits while it is starting."""
    deadline = time.monotonic() + START_SECONDS
    with requests.Session() as session:
        session.trust_env = False
        while time.monotonic() < deadline:
            try:
                if session.get(f"{url}/healthz", timeout=START_SECONDS).ok:
                    return True
            except requests.RequestException:
                time.sleep(0.05)
    return False
