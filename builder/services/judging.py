"""What an attempt's answer has come to: the outcome by the published table. No database here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from builder.attempt_costs import AttemptCost, attempt_cost
from builder.models import Run
from builder.prompts import input_tokens_of
from builder.providers.errors import ProviderError
from builder.providers.types import FinishReason, Message, Usage
from builder.reply import ParsedReply
from builder.services.finishing import Measured, Outcome
from builder.services.monitor import Watch
from builder.services.run_messages import provider_message, stop_message
from builder.streaming.live import LiveReply
from builder.token_count import estimate_tokens
from models_catalog.selectors import RouteTarget

# What the database's integers hold; a provider that counts more is beyond any ceiling anyway.
COUNT_MAX = 2**31 - 1


@dataclass(slots=True)
class Answer:
    """What one attempt has given so far."""

    finish: FinishReason | None = None
    usage: Usage | None = None
    error: ProviderError | None = None
    generation_id: str = ""

    @property
    def failed(self) -> bool:
        return self.error is not None or self.finish is None


def judge(
    target: RouteTarget,
    answer: Answer,
    messages: tuple[Message, ...],
    watch: Watch,
    live: LiveReply,
) -> Outcome:
    """What the run has come to, by the published table of outcomes and charges.

    Call after all text has been fed to `live`.
    """
    text = watch.text
    cut = answer.finish not in (FinishReason.STOP, FinishReason.UNKNOWN)
    parsed, notes = _whole_files(live.finish(truncated=cut), cut=cut)
    measured = _measure(answer, messages, text)
    cost = _cost(target, answer, measured, text)
    outcome = Outcome(
        state=Run.State.SUCCEEDED,
        parsed=parsed,
        measured=measured,
        model_used_slug=target.model_slug,
        text=text,
        truncated=cut,
        notes=notes,
        generation_id=answer.generation_id,
        cost_usd=cost.usd,
        cost_estimated=cost.estimated,
    )
    if watch.stop_reason == "cancelled":
        return replace(outcome, state=Run.State.CANCELLED, attempt_outcome="cancelled")
    if watch.stop_reason is not None:
        return _unbilled(outcome, watch.stop_reason, stop_message(watch.stop_reason))
    if answer.error is not None:
        message = provider_message(answer.error, target.provider_name)
        return _unbilled(outcome, answer.error.code, message)
    if answer.finish == FinishReason.CONTENT_FILTER:
        return _unbilled(
            replace(outcome, parsed=None),
            "refused",
            _("The provider refused this request for safety reasons. Not charged. Reword it."),
        )
    if answer.finish in (None, FinishReason.ERROR):
        return _unbilled(
            outcome, "cut", _("The provider broke off before the end. Not charged. Try again.")
        )
    if answer.finish == FinishReason.LENGTH:
        cut_note = _("The answer reached its length limit; ask to continue for the rest.")
        return replace(outcome, notes=[*notes, cut_note], attempt_outcome="length")
    return outcome


def _unbilled(outcome: Outcome, code: str, message: str) -> Outcome:
    """Failed on the provider's or our side: whole files are kept, nothing is charged."""
    return replace(
        outcome,
        state=Run.State.FAILED,
        error_code=code,
        error_message=message,
        billable=False,
        attempt_outcome=code,
    )


def _whole_files(parsed: ParsedReply, *, cut: bool) -> tuple[ParsedReply, list[str]]:
    """Only files that are complete are stored; the rest is said.

    A model that says it has finished, and only forgot to close its last fence, has finished.
    """
    if not cut:
        return replace(
            parsed, files=tuple(replace(block, complete=True) for block in parsed.files)
        ), []
    broken = [block.path for block in parsed.files if not block.complete]
    notes = [_("%(path)s was not finished and was left out.") % {"path": path} for path in broken]
    files = tuple(block for block in parsed.files if block.complete)
    return replace(parsed, files=files), notes


def _measure(answer: Answer, messages: tuple[Message, ...], text: str) -> Measured:
    """The provider's usage, or our own count of it, flagged."""
    usage = answer.usage
    if usage is not None and (usage.output_tokens > 0 or not text):
        return Measured(
            min(usage.input_tokens, COUNT_MAX), min(usage.output_tokens, COUNT_MAX), estimated=False
        )
    input_tokens = input_tokens_of(messages)
    return Measured(input_tokens, estimate_tokens(text), estimated=True)


def _cost(target: RouteTarget, answer: Answer, measured: Measured, text: str) -> AttemptCost:
    """What it cost us; nothing is assumed of a call that gave neither text nor usage."""
    if answer.usage is None and not text:
        return AttemptCost()
    return attempt_cost(
        target,
        told_usd=answer.usage.cost_usd if answer.usage else None,
        input_tokens=measured.input_tokens,
        output_tokens=measured.output_tokens,
    )


def failure(code: str, message: str) -> Outcome:
    return Outcome(
        state=Run.State.FAILED,
        error_code=code,
        error_message=message,
        billable=False,
        attempt_outcome=code,
    )


def internal_error(watch: Watch) -> Outcome:
    message = _("Something broke on our side. Not charged. Try again.")
    return replace(failure("internal_error", message), text=watch.text)
