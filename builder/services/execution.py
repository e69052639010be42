"""Doing a run: claim it, call the provider, relay the text, hand the result to `finishing`.

The provider is called outside any transaction and without a database connection.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from builder.estimates import text_files_of
from builder.models import Attempt, Run, RunText
from builder.prompts import messages_for
from builder.providers import adapter_for
from builder.providers.errors import ProviderError
from builder.providers.types import (
    ChatRequest,
    Endpoint,
    Finished,
    FinishReason,
    Message,
    Started,
    TextDelta,
    Usage,
    UsageReported,
)
from builder.reply import ParsedReply
from builder.router import attempts_for, may_try_next
from builder.selectors.runs import closing_events, status_of
from builder.selectors.sites import version_latest
from builder.services.finishing import Measured, Outcome, run_finish
from builder.services.monitor import Watch, monitor
from builder.services.run_messages import provider_message, stop_message
from builder.streaming.live import LiveReply
from builder.streaming.log import log_writer
from builder.token_count import estimate_tokens
from models_catalog.selectors import RouteTarget

logger = logging.getLogger(__name__)


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


def run_execute(run_id: str | UUID) -> bool:
    """Claim a queued run and see it through. False if there was nothing to claim."""
    run = run_claim(run_id)
    if run is None:
        return False
    with structlog.contextvars.bound_contextvars(run_id=str(run.pk)):
        live = LiveReply()
        watch = Watch(run_id=run.pk, fence=run.fence, on_status=lambda: _say_status(run, live))
        log_writer().open(run.pk, on_text=live.feed)
        monitor.add(watch)
        try:
            outcome = _generate(run, watch, live)
        except Exception:  # our own bug must still end the run, uncharged
            logger.exception("Run %s failed", run.pk)
            outcome = _internal_error(watch)
        finally:
            monitor.remove(watch)
        _end(run, outcome, watch)
        return True


def run_claim(run_id: str | UUID) -> Run | None:
    """Take a queued run by compare-and-set; None if somebody else has it or it is over."""
    now = timezone.now()
    claimed = Run.objects.filter(pk=run_id, state=Run.State.QUEUED).update(
        state=Run.State.RUNNING,
        fence=F("fence") + 1,
        started_at=now,
        lease_until=now + timedelta(seconds=settings.RUN_LEASE_SECONDS),
    )
    if not claimed:
        return None
    run = Run.objects.select_related("site").get(pk=run_id)
    RunText.objects.update_or_create(run=run, defaults={"fence": run.fence, "text": ""})
    return run


def _generate(run: Run, watch: Watch, live: LiveReply) -> Outcome:
    """Try the routes in order until one gives content; never a second one after that."""
    log_writer().event(run.pk, "status", status_of(run))
    messages = messages_for(
        prompt=run.prompt,
        files=text_files_of(version_latest(run.site)),
        max_output_tokens=run.max_output_tokens,
    )
    targets = attempts_for(run)
    answer, target = Answer(), None
    for number, target in enumerate(targets, start=1):
        answer = _attempt(run, number, target, messages, watch)
        if not answer.failed or watch.parts or watch.stop_reason:
            break
        if answer.error is not None and not may_try_next(answer.error):
            break
        if number < len(targets):
            _attempt_failed(run, number, answer)
    if target is None:
        return _failure("unavailable", _("No provider can serve this model now. Not charged."))
    return _judge(run, target, answer, messages, watch, live)


def _attempt(
    run: Run, number: int, target: RouteTarget, messages: tuple[Message, ...], watch: Watch
) -> Answer:
    """One call of one provider. Never raises for what a provider does."""
    Attempt.objects.create(
        run=run,
        number=number,
        model_slug=target.model_slug,
        provider_slug=target.provider_slug,
        provider_model_id=target.provider_model_id,
        started_at=timezone.now(),
    )
    # The stream may last minutes: the pool's connection is for others meanwhile.
    connections.close_all()
    endpoint = Endpoint(
        base_url=target.base_url,
        api_key=target.api_key,
        proxy_url=target.proxy_url,
        headers=target.headers,
        read_timeout_seconds=settings.RUN_FIRST_TOKEN_TIMEOUT_SECONDS,
    )
    request = ChatRequest(
        model=target.provider_model_id,
        messages=messages,
        max_output_tokens=run.max_output_tokens,
    )
    answer = Answer()
    with adapter_for(target.adapter).open(endpoint, request) as stream:
        watch.attempt(stream)
        try:
            for event in stream:
                if isinstance(event, TextDelta):
                    _relay(run, watch, event.text)
                elif isinstance(event, UsageReported):
                    answer.usage = event.usage
                elif isinstance(event, Finished):
                    answer.finish = event.reason
                elif isinstance(event, Started):
                    answer.generation_id = event.generation_id or ""
        except ProviderError as error:
            answer.error = error
    return answer


def _relay(run: Run, watch: Watch, text: str) -> None:
    # No database of ours stores NUL; models have no business sending it.
    text = text.replace("\x00", "�")
    if not watch.parts:
        run.first_content_at = timezone.now()
    watch.content(text)
    log_writer().text(run.pk, text)


def _judge(
    run: Run,
    target: RouteTarget,
    answer: Answer,
    messages: tuple[Message, ...],
    watch: Watch,
    live: LiveReply,
) -> Outcome:
    """What the run has come to, by the published table of outcomes and charges."""
    log_writer().flush(run.pk)
    text = watch.text
    cut = answer.finish not in (FinishReason.STOP, FinishReason.UNKNOWN)
    parsed, notes = _whole_files(live.finish(truncated=cut), cut=cut)
    outcome = Outcome(
        state=Run.State.SUCCEEDED,
        parsed=parsed,
        measured=_measure(answer, messages, text),
        model_used_slug=target.model_slug,
        text=text,
        truncated=cut,
        notes=notes,
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
        return Measured(usage.input_tokens, usage.output_tokens, estimated=False)
    input_tokens = sum(estimate_tokens(message.text) for message in messages)
    return Measured(input_tokens, estimate_tokens(text), estimated=True)


def _failure(code: str, message: str) -> Outcome:
    return Outcome(
        state=Run.State.FAILED,
        error_code=code,
        error_message=message,
        billable=False,
        attempt_outcome=code,
    )


def _internal_error(watch: Watch) -> Outcome:
    message = _("Something broke on our side. Not charged. Try again.")
    return replace(_failure("internal_error", message), text=watch.text)


def _attempt_failed(run: Run, number: int, answer: Answer) -> None:
    error = answer.error
    Attempt.objects.filter(run=run, number=number).update(
        outcome=error.code if error else "empty",
        message=str(error)[:500] if error else "",
        ended_at=timezone.now(),
    )


def _end(run: Run, outcome: Outcome, watch: Watch) -> None:
    """Store the end, then tell the readers. A run that was taken from us is left alone."""
    try:
        try:
            finished = run_finish(run=run, outcome=outcome)
        except Exception:  # e.g. the answer can not be stored: the run must end all the same
            logger.exception("Run %s could not be stored", run.pk)
            finished = run_finish(run=run, outcome=_internal_error(watch))
        closing = []
        if finished:
            if run.first_content_at is not None:
                Run.objects.filter(pk=run.pk).update(first_content_at=run.first_content_at)
            ended = Run.objects.select_related("version").get(pk=run.pk)
            closing = closing_events(ended)
        log_writer().close(run.pk, closing)
    finally:
        connections.close_all()


def _say_status(run: Run, live: LiveReply) -> None:
    log_writer().event(run.pk, "status", {**status_of(run), "outputTokens": live.output_tokens})
