"""Starting and stopping runs. What happens in between is `execution`."""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from accounts.models import User
from accounts.selectors import language_of
from billing.errors import InsufficientTokens
from billing.services.holds import hold_create, hold_release
from builder.estimates import Quote, affordable_models, quote_run, sources_of
from builder.models import Run, Site
from builder.prompts import SentPicture, sent_picture
from builder.selectors.limits import Limits, limits_of
from builder.selectors.runs import closing_events, run_get
from builder.selectors.sites import version_latest
from builder.services.gate import request_gate
from builder.services.limits import prompt_check, run_admit
from builder.services.pictures import pictures_for_run, run_pictures_save
from builder.services.sites import site_lock
from builder.streaming.log import publish_end
from builder.tasks import run_execute
from config.errors import Conflict, InvalidInput
from config.prepared import PreparedInsert
from models_catalog.models import AIModel
from models_catalog.selectors import availability, fallbacks_of, model_get

logger = logging.getLogger(__name__)

IDEMPOTENCY_KEY_MAX_CHARACTERS = 120
# A hold outlives everything a run may do: queueing, and three times its own total deadline.
HOLD_LIFETIME = timedelta(hours=24)

_RUN = PreparedInsert(Run)


@request_gate.held()
def run_start(
    *,
    user: User,
    site: Site,
    prompt: str,
    model_slug: str,
    idempotency_key: str = "",
    allow_fallback: bool = False,
    images: Sequence[str] = (),
) -> Run:
    """Hold the worst case and queue a run, in one transaction; ring the worker after it.

    idempotency_key: the same key with the same request gives the same run; with another request
    raises Conflict. images: ids of the site's pictures or `data:` URLs, which stay with the site
    whatever becomes of the run. Raises InvalidInput, TooLarge, NotFound (model,
    picture), Conflict (model
    unavailable), InsufficientTokens with `affordableModels` and `upgradeUrl`, TooManyRequests. On
    any of these nothing was written and nothing is charged.
    """
    limits = limits_of(user)
    prompt = _checked_prompt(prompt, limits)
    if len(idempotency_key) > IDEMPOTENCY_KEY_MAX_CHARACTERS:
        raise InvalidInput(_("The idempotency key is longer than 120 characters."))
    key = idempotency_key or uuid.uuid4().hex
    digest = _digest(site, prompt, model_slug, allow_fallback, images)
    if idempotency_key and (known := _known(user, key, digest)) is not None:
        return known
    model = model_get(model_slug)
    _refuse_unavailable(model, allow_fallback=allow_fallback)
    latest = version_latest(site, bare=True)
    pictures = pictures_for_run(user=user, site=site, model=model, images=images, latest=latest)
    attached = [sent_picture(picture, with_bytes=False) for picture in pictures]
    files, paths = sources_of(latest)
    quote = quote_run(
        model=model, prompt=prompt, files=files, attached=attached, picture_paths=paths
    )
    run = Run(
        owner=user,
        site=site,
        idempotency_key=key,
        request_digest=digest,
        prompt=prompt,
        language=language_of(user),
        model_slug=model.slug,
        allow_fallback=allow_fallback,
        picture_count=len(pictures),
        base_version=latest,
        output_max_bytes=limits.output_bytes,
        dispatched_at=timezone.now(),
    )
    try:
        with transaction.atomic():
            # Deleting the site takes the same lock: a run never starts on a deleted one. The
            # owner's is for the limits: the starts of one person are counted one by one.
            site_lock(site, deleted=False, with_owner=True)
            _hold_and_save(run, quote, limits)
            run_pictures_save(run, pictures)
            transaction.on_commit(lambda: run_dispatch(run))
    except (InsufficientTokens, IntegrityError) as refusal:
        # The same key at the same instant: the other request won (and may hold all there was),
        # so its run is this one's answer.
        if (known := _known(user, key, digest)) is not None:
            return known
        if isinstance(refusal, InsufficientTokens):
            raise _short(refusal, prompt, files, attached) from None
        raise
    return run


def run_dispatch(run: Run) -> None:
    """Ring the worker. A failure is no matter: the sweeper rings again, the row is the truth."""
    request_gate.leave()  # Redis may be away: the others need not wait for that
    try:
        run_execute.apply_async(args=[str(run.pk), time.time()])
    except (OperationalError, OSError) as error:
        logger.warning("Run %s could not be dispatched yet: %s", run.pk, type(error).__name__)
        # Nothing is under way, so the next sweep must not wait as it does for a message sent.
        late = timezone.now() - timedelta(seconds=settings.RUN_REDISPATCH_AFTER_SECONDS)
        Run.objects.filter(pk=run.pk, state=Run.State.QUEUED).update(dispatched_at=late)


def run_cancel(*, user: User, run_id: uuid.UUID) -> Run:
    """Stop a run. A queued one ends here and costs nothing; a running one is told to stop and
    ends within seconds. A finished one stays as it is. Raises NotFound."""
    run = run_get(user=user, run_id=run_id)
    now = timezone.now()
    with transaction.atomic():
        stopped = Run.objects.filter(pk=run.pk, state=Run.State.QUEUED).update(
            state=Run.State.CANCELLED, cancel_requested_at=now, finished_at=now, charged=0
        )
        if stopped:
            hold_release(hold_id=run.hold_id)
        else:
            Run.objects.filter(
                pk=run.pk, state=Run.State.RUNNING, cancel_requested_at__isnull=True
            ).update(cancel_requested_at=now)
    run = run_get(user=user, run_id=run_id)
    if stopped:
        publish_end(run.pk, closing_events(run))
    return run


def _short(
    refusal: InsufficientTokens,
    prompt: str,
    files: Mapping[str, str],
    attached: Sequence[SentPicture],
) -> InsufficientTokens:
    """The refusal with what a person can do about it."""
    models = affordable_models(
        available=refusal.available, prompt=prompt, files=files, attached=attached
    )
    return InsufficientTokens(
        required=refusal.required,
        available=refusal.available,
        affordableModels=models,
        upgradeUrl="/pricing/",
    )


def _checked_prompt(prompt: str, limits: Limits) -> str:
    prompt = prompt.strip()
    if not prompt:
        raise InvalidInput(_("Describe what you want first. Nothing was charged."))
    prompt_check(prompt, limits)
    return prompt


def _digest(
    site: Site, prompt: str, model_slug: str, allow_fallback: bool, images: Sequence[str]
) -> str:
    request: list[Any] = [str(site.pk), prompt, model_slug, allow_fallback]
    if images:
        request.append([hashlib.sha256(image.encode()).hexdigest() for image in images])
    return hashlib.sha256(json.dumps(request).encode()).hexdigest()


def _known(user: User, key: str, digest: str) -> Run | None:
    run = Run.objects.filter(owner=user, idempotency_key=key).select_related("version").first()
    if run is not None and run.request_digest != digest:
        raise Conflict(
            _("This idempotency key was used for another request. Nothing was done."),
            code="idempotency_key_reused",
        )
    return run


def _refuse_unavailable(model: AIModel, *, allow_fallback: bool) -> None:
    found = availability(model)
    # What is only out of reach right now may be answered by another, if the person said so.
    if not found.available and not (model.enabled and allow_fallback and fallbacks_of(model)):
        raise Conflict(
            _("%(model)s is not available: %(reason)s. Nothing was charged. Choose another model.")
            % {"model": model.name, "reason": found.reason},
            code="model_unavailable",
        )


def _hold_and_save(run: Run, quote: Quote, limits: Limits) -> None:
    """Hold as much of the worst case as there is, and save the run with what that allows."""
    run.hold = hold_create(
        user_id=run.owner_id,
        key=f"run:{run.pk}",
        at_least=quote.required,
        at_most=quote.ceiling,
        expires_at=timezone.now() + HOLD_LIFETIME,
    )
    # After the hold: who is short of tokens sees that first.
    run_admit(owner_id=run.owner_id, limits=limits, now=timezone.now())
    run.ceiling = run.hold.amount
    run.estimate_low = min(quote.low, run.ceiling)
    run.estimate_high = min(quote.high, run.ceiling)
    run.input_tokens_estimated = quote.input_tokens
    run.changes_site = quote.changes_site
    run.max_output_tokens = quote.output_tokens_within(run.ceiling)
    run.token_cost = quote.price.token_cost
    run.billing_unit = quote.price.billing_unit
    run.input_weight = quote.price.input_weight
    _RUN.run(run)
