"""What OpenRouter tells afterwards of one answer: the body of GET /generation."""

from __future__ import annotations

import time
from typing import Any

from emulators.ai.plan import Plan
from emulators.ai.state import Seen
from emulators.ai.wire import Wire


def generation_facts(seen: Seen, wire: Wire, plan: Plan, sent: int) -> dict[str, Any]:
    """The facts of an answer of which `sent` tokens went out."""
    usage = plan.reply.usage
    cost = float(wire.model.cost_usd(usage.input_tokens, sent))
    return {
        "id": wire.id,
        "model": seen.model,
        "provider_name": wire.model.maker,
        "streamed": seen.stream,
        "cancelled": seen.outcome == "client_closed",
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wire.created)),
        "tokens_prompt": usage.input_tokens,
        "tokens_completion": sent,
        "native_tokens_prompt": usage.input_tokens,
        "native_tokens_completion": sent,
        "native_tokens_reasoning": 0,
        "total_cost": cost,
        "usage": cost,
        "is_byok": False,
        "finish_reason": plan.reply.finish if seen.outcome == "finished" else None,
        "latency": round(plan.first_token_seconds * 1000),
        "generation_time": round(((seen.ended_at or 0) - seen.received_at) * 1000),
    }
