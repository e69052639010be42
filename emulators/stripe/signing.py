"""Webhook bodies and their signatures: https://docs.stripe.com/webhooks#verify-manually"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any


def event_body(event: dict[str, Any]) -> bytes:
    """The bytes that are sent and signed."""
    return json.dumps(event, indent=2).encode()


def signature_header(body: bytes, secret: str, *, timestamp: int | None = None) -> str:
    """The Stripe-Signature of a body. timestamp: seconds since 1970; now where it is not given.

    It is the machine's time and not the emulated one, as real test clocks do it: the receiver
    compares it with its own.
    """
    moment = int(time.time()) if timestamp is None else timestamp
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def webhook_headers(body: bytes, secret: str, *, timestamp: int | None = None) -> dict[str, str]:
    """The headers of a delivery."""
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signature_header(body, secret, timestamp=timestamp),
    }
