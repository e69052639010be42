"""Doing a run: claim it, call the provider, relay the text, hand the result to `finishing`.

The provider is called outside any transaction and without a database connection.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections
from django.db.models import F
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from builder.estimates import sources_of
from builder.models import Attempt, Run
from builder.prompts import input_tokens_of, messages_for, sent_picture
from builder.providers import adapter_for
from builder.providers.errors import ProviderError
from builder.providers.types import (
    ChatRequest,
    Endpoint,
    Finished,
    Message,
    Started,
    TextDelta,
    UsageReported,
)
from builder.router import attempts_for, may_try_next
from builder.selectors.runs import closing_events, progress_of, status_of
from builder.selectors.pictures import pictures_of_run
from builder.selectors.sites import version_latest
from builder.services.finishing import Outcome, run_finish
from builder.services.judging import Answer, failure, internal_error, judge
from builder.services.monitor import Watch, monitor
from builder.streaming.live import LiveReply
from builder.streaming.log import log_writer
from builder.token_count import estimate_tokens
from models_catalog.selectors import RouteTarget

logger = logging.getLogger(__name__)

# A restart of the database takes seconds. Longer, and the reaper ends the run, uncharged.
FINISH_RETRY_SECONDS = (0.5, 2.0, 5.0, 10.0)


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
        # What is said of the run is kept with it: in the language it was asked in.
        with translation.override(run.language or settings.LANGUAGE_CODE):
            try:
                outcome = _generate(run, watch, live)
            except Exception:  # our own bug must still end the run, uncharged
                logger.exception("Run %s failed", run.pk)
                outcome = internal_error(watch)
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
    return Run.objects.select_related("site").get(pk=run_id)


def _generate(run: Run, watch: Watch, live: LiveReply) -> Outcome:
    """Try the routes in order until one gives content; never a second one after that."""
    log_writer().event(run.pk, "status", status_of(run))
    files, paths = sources_of(version_latest(run.site, bare=True))
    messages = messages_for(
        prompt=run.prompt,
        files=files,
        max_output_tokens=run.max_output_tokens,
        attached=[sent_picture(one, with_bytes=True) for one in pictures_of_run(run)],
        picture_paths=paths,
    )
    live.input_tokens = input_tokens_of(messages)
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
        return failure("unavailable", _("No provider can serve this model now. Not charged."))
    log_writer().flush(run.pk)
    return judge(target, answer, messages, watch, live)


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


def _attempt_failed(run: Run, number: int, answer: Answer) -> None:
    error = answer.error
    Attempt.objects.filter(run=run, number=number).update(
        outcome=error.code if error else "empty",
        message=str(error)[:500] if error else "",
        ended_at=timezone.now(),
    )


def _end(run: Run, outcome: Outcome, watch: Watch) -> None:
    """Store the end, then tell the readers. A run that was taken from us is left alone.

    The lease is renewed until the end is stored, however long that takes.
    """
    closing: list[tuple[str, dict[str, Any]]] = []
    try:
        try:
            finished = _finish(run, outcome)
        except Exception:  # e.g. the answer can not be stored: the run must end all the same
            logger.exception("Run %s could not be stored", run.pk)
            finished = _finish(run, internal_error(watch))
        if finished:
            closing = closing_events(Run.objects.select_related("version").get(pk=run.pk))
    finally:
        monitor.remove(watch)
        log_writer().close(run.pk, closing)
        connections.close_all()


def _finish(run: Run, outcome: Outcome) -> bool:
    """`run_finish`, again while the database is away: minutes of a model's work are at stake.

    A run that another process ended meanwhile is not this one's any more, and gives False.
    """
    for wait_seconds in FINISH_RETRY_SECONDS:
        try:
            return run_finish(run=run, outcome=outcome)
        except (OperationalError, InterfaceError) as error:
            logger.warning("Run %s could not be stored yet: %s", run.pk, type(error).__name__)
            connections.close_all()
            time.sleep(wait_seconds)
    return run_finish(run=run, outcome=outcome)


def _say_status(run: Run, live: LiveReply) -> None:
    status = progress_of(run, input_tokens=live.input_tokens, output_tokens=live.output_tokens)
    log_writer().event(run.pk, "status", status)
