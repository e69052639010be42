"""Idempotency-Key: the same request gets the same answer, another one is refused.

https://docs.stripe.com/api/idempotent_requests : what a handler answered is kept for 24 hours,
errors too; what never reached a handler (a wrong parameter) is not.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import orjson

from emulators.stripe.errors import IdempotencyError
from emulators.stripe.requests_seen import Seen
from emulators.stripe.store import Store

KEPT_SECONDS: Final = 86_400
LONGEST_KEY: Final = 255


def earlier_answer(
    store: Store, seen: Seen, sent: dict[str, Any], now: int
) -> tuple[int, Any] | None:
    """Status and body of the first request with this key; raises IdempotencyError."""
    key = seen.idempotency_key
    if not key or seen.method != "POST":
        return None
    if len(key) > LONGEST_KEY:
        raise IdempotencyError("Idempotency keys can be no longer than 255 characters.")
    kept = store.find(f"idem_{key}")
    if kept is None or kept["created"] < now - KEPT_SECONDS:
        return None
    if kept["request"] != _print_of(seen, sent):
        raise IdempotencyError(
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}' if you meant to execute a "
            "different request."
        )
    return kept["status"], kept["answer"]


def remember(
    store: Store, seen: Seen, sent: dict[str, Any], status: int, answer: Any, now: int
) -> None:
    """Keep the answer for whoever asks with the same key."""
    if not seen.idempotency_key:
        return
    store.save(
        {
            "id": f"idem_{seen.idempotency_key}",
            "object": "_idempotency",
            "created": now,
            "request": _print_of(seen, sent),
            "status": status,
            "answer": answer,
        }
    )


def _print_of(seen: Seen, sent: dict[str, Any]) -> str:
    asked = orjson.dumps([seen.method, seen.path, sent], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(asked).hexdigest()
