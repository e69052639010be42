"""Doing a run: claim it, call the provider, relay the text, hand the result to `finishing`.

The provider is called outside any transaction and without a database connection.
"""

from __future__ import annotations

import logging
import time
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections
from django.utils import translation
from django.utils.translation import gettext as _

from builder.estimates import sources_of
from builder.models import Run
from builder.prompts import input_tokens_of, messages_for, sent_picture
from builder.routing.plan import plan_for
from builder.selectors.pictures import pictures_of_run
from builder.selectors.runs import closing_events, status_of
from builder.selectors.sites import version_latest
from builder.services.attempting import Asking
from builder.services.finishing import Ended, Outcome, run_finish
from builder.services.gate import gate
from builder.services.judging import failure, internal_error, judge
from builder.services.monitor import Watch, monitor
from builder.services.queue import run_take
from builder.streaming.live import LiveReply
from builder.streaming.log import log_writer
from config.prepared import PreparedSelect, slot

logger = logging.getLogger(__name__)

# A restart of the database takes seconds. Longer, and the reaper ends the run, uncharged.
FINISH_RETRY_SECONDS = (0.5, 2.0, 5.0, 10.0)

_TAKEN = PreparedSelect(lambda: Run.objects.select_related("site").filter(pk=slot(Run, "id")))


def run_execute(run_id: str | UUID, *, rung_at: float | None = None) -> bool:
    """Claim a queued run and see it through. False if there was nothing to claim.

    rung_at: see `run_take`; given by a doorbell, which may find another run's turn has come.
    """
    with gate.held():
        run = run_claim(run_id, rung_at=rung_at)
        if run is not None:
            _see_through(run)
    return run is not None


def _see_through(run: Run) -> None:
    with structlog.contextvars.bound_contextvars(run_id=str(run.pk)):
        live = LiveReply()
        watch = Watch(
            run_id=run.pk,
            fence=run.fence,
            on_status=lambda: None,
            max_bytes=run.output_max_bytes or settings.RUN_OUTPUT_MAX_BYTES,
        )
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


def run_claim(run_id: str | UUID, *, rung_at: float | None = None) -> Run | None:
    """Take a queued run by compare-and-set; None if somebody else has it or it is over."""
    taken = run_take(run_id, rung_at=rung_at)
    return None if taken is None else _TAKEN.first(id=taken)


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
    plan = plan_for(
        run,
        input_tokens=live.input_tokens,
        pictures=any(message.images for message in messages),
    )
    asking = Asking(run=run, plan=plan, messages=messages, watch=watch, live=live)
    watch.on_status = asking.say
    asking.ask()
    gate.enter()
    if asking.route is None:
        return failure("unavailable", _("No provider can serve this model now. Not charged."))
    log_writer().tell(run.pk)
    return asking.told(judge(asking.route.target, asking.answer, messages, watch, live))


def _end(run: Run, outcome: Outcome, watch: Watch) -> None:
    """Store the end, then tell the readers. A run that was taken from us is left alone.

    The lease is renewed until the end is stored, however long that takes.
    """
    closing: list[tuple[str, dict[str, Any]]] = []
    try:
        try:
            ended = _finish(run, outcome)
        except Exception:  # e.g. the answer can not be stored: the run must end all the same
            logger.exception("Run %s could not be stored", run.pk)
            ended = _finish(run, internal_error(watch))
        if ended is not None:
            closing = closing_events(ended.run, pockets=ended.pockets)
    finally:
        monitor.remove(watch)
        log_writer().close(run.pk, closing)
        connections.close_all()


def _finish(run: Run, outcome: Outcome) -> Ended | None:
    """`run_finish`, again while the database is away: minutes of a model's work are at stake.

    A run that another process ended meanwhile is not this one's any more, and gives None.
    """
    for wait_seconds in FINISH_RETRY_SECONDS:
        try:
            return run_finish(run=run, outcome=outcome)
        except (OperationalError, InterfaceError) as error:
            logger.warning("Run %s could not be stored yet: %s", run.pk, type(error).__name__)
            connections.close_all()
            gate.leave()
            time.sleep(wait_seconds)
    return run_finish(run=run, outcome=outcome)
