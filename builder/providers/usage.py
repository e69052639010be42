"""Reads the usage that providers report, in whatever shape they left it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from builder.providers.types import Usage

#: More than any model can take or give; a count above it is a mistake, not a bill.
_MAX_TOKENS = 100_000_000


def token_count(value: object) -> int | None:
    """A sane, whole, non-negative count, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    elif isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 12 else None
    if isinstance(value, int) and 0 <= value <= _MAX_TOKENS:
        return value
    return None


def usd(value: object) -> Decimal | None:
    """A non-negative amount of money, exact as it was written, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def _inside(report: Mapping[str, object], group: str, name: str) -> int | None:
    details = report.get(group)
    return token_count(details.get(name)) if isinstance(details, dict) else None


def openai_usage(report: object) -> Usage | None:
    """From an OpenAI-style `usage` object; None where input or output can not be known."""
    if not isinstance(report, dict):
        return None
    given = token_count(report.get("prompt_tokens"))
    made = token_count(report.get("completion_tokens"))
    total = token_count(report.get("total_tokens"))
    if total is not None and made is None and given is not None and total >= given:
        made = total - given
    if total is not None and given is None and made is not None and total >= made:
        given = total - made
    if given is None or made is None:
        return None
    return Usage(
        input_tokens=given,
        output_tokens=made,
        reasoning_tokens=_inside(report, "completion_tokens_details", "reasoning_tokens"),
        cached_tokens=_inside(report, "prompt_tokens_details", "cached_tokens"),
        cost_usd=usd(report.get("cost")),
    )


class AnthropicUsage:
    """Puts together what Anthropic spreads over message_start and message_delta.

    Input comes with message_start; output with message_delta, where it is cumulative: the
    last one wins. The output count in message_start is a placeholder and is not read.
    Cached input is reported apart from `input_tokens`, while OpenAI includes it; here it is
    always included. https://docs.anthropic.com/en/docs/build-with-claude/streaming
    """

    def __init__(self) -> None:
        self._input: dict[str, int] = {}

    def started(self, report: object) -> None:
        """Take in the `usage` of message_start."""
        if isinstance(report, dict):
            for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
                count = token_count(report.get(name))
                # Imitations repeat the input in message_delta as 0: that corrects nothing.
                if count is not None and (count or name not in self._input):
                    self._input[name] = count

    def progressed(self, report: object) -> Usage | None:
        """Take in the `usage` of message_delta; the usage so far, or None if incomplete."""
        self.started(report)
        output = token_count(report.get("output_tokens")) if isinstance(report, dict) else None
        if output is None or not self._input:
            return None
        return Usage(
            input_tokens=sum(self._input.values()),
            output_tokens=output,
            cached_tokens=self._input.get("cache_read_input_tokens"),
        )
