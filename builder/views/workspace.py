"""The workspace: one site, its conversation, its preview. Plain forms; scripts add to it."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest
from billing.errors import InsufficientTokens
from billing.selectors import standing_of
from builder.drafts import draft_drop, draft_keep, draft_of, draft_pictures
from builder.examples import EXAMPLES
from builder.forms import RunForm, first_error, pictures_of_form
from builder.models import Site
from builder.pictures import PICTURES_MOST
from builder.preview import live_frame_url
from builder.selectors.limits import limits_of
from builder.selectors.runs import run_get
from builder.selectors.sites import ListedSite, site_get, version_get, version_latest
from builder.selectors.workspace import (
    conversation_of,
    fallback_allowed_last,
    model_choices,
    model_first,
    run_view,
    version_as_json,
)
from builder.services.pictures import pictures_uploaded
from builder.services.runs import run_cancel, run_start
from builder.views.edge import page
from builder.workspace_strings import workspace_strings

EXAMPLES_SHOWN = 3
VERSIONS_IN_MENU = 30


@page
@require_safe
@never_cache
def workspace(request: AuthenticatedHttpRequest, *, site_id: UUID) -> HttpResponse:
    """The page people live in. `?version=` shows an older version."""
    site = site_get(user=request.user, site_id=site_id)
    choices = model_choices(standing_of(request.user, timezone.now()))
    names = {choice.row.model.slug: choice.row.model.name for choice in choices}
    runs = conversation_of(site, names)
    # A draft that a script has sent can not be forgotten by it: here it is seen to be a run.
    draft = draft_of(request, site, sent={view.run.prompt for view in runs})
    wanted = [draft["model"], *(view.run.model_slug for view in reversed(runs[-1:]))]
    context = {
        "site": site,
        "runs": runs,
        "choices": choices,
        "chosen": model_first(choices, wanted),
        "prompt": draft["prompt"],
        "pictures": draft_pictures(request, site, prompt=draft["prompt"]),
        "idempotency_key": uuid.uuid4().hex,
        "allow_fallback": fallback_allowed_last(request.user, runs),
        "examples": EXAMPLES[:EXAMPLES_SHOWN],
        "strings": workspace_strings(),
        "config": _config(request, site, [str(view.run.pk) for view in runs if view.is_live]),
    }
    return render(request, "builder/workspace.html", context)


@page
@require_POST
def run_new(request: AuthenticatedHttpRequest, *, site_id: UUID) -> HttpResponse:
    """The composer without scripts. On a refusal the text comes back with the reason."""
    site = site_get(user=request.user, site_id=site_id)
    form = RunForm(request.POST, prompt_bytes=limits_of(request.user).prompt_bytes)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect("builder:workspace", site.pk)
    data = form.cleaned_data
    images, refused = pictures_uploaded(user=request.user, site=site, files=_files(request))
    images = [*pictures_of_form(request.POST), *images]
    draft_keep(request, site, prompt=data["prompt"], model=data["model"], pictures=images)
    if refused:
        messages.error(request, refused[0])
        return redirect("builder:workspace", site.pk)
    try:
        run_start(
            user=request.user,
            site=site,
            prompt=data["prompt"],
            model_slug=data["model"],
            idempotency_key=data["idempotency_key"],
            allow_fallback=data["allow_fallback"],
            images=images,
        )
    except InsufficientTokens as short:
        messages.error(request, short.message)
        return redirect("builder:workspace", site.pk)
    draft_drop(request, site.pk)
    return redirect("builder:workspace", site.pk)


@page
@require_safe
@never_cache
def run_fragment(request: AuthenticatedHttpRequest, *, site_id: UUID, run_id: UUID) -> HttpResponse:
    """One run of the conversation as it is now, for the scripts to put in its place."""
    run = run_get(user=request.user, run_id=run_id)
    choices = model_choices(standing_of(request.user, timezone.now()))
    names = {choice.row.model.slug: choice.row.model.name for choice in choices}
    context = {"view": run_view(run, names), "site": run.site}
    return render(request, "builder/_run.html", context)


@page
@require_safe
@never_cache
def balance_fragment(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The balance chip and its menu as they are now, for the scripts to put in their place."""
    return render(request, "components/balance_chip.html")


@page
@require_POST
def run_stop(request: AuthenticatedHttpRequest, *, site_id: UUID, run_id: UUID) -> HttpResponse:
    run_cancel(user=request.user, run_id=run_id)
    return redirect("builder:workspace", site_id)


def _files(request: AuthenticatedHttpRequest) -> list[UploadedFile[bytes]]:
    return request.FILES.getlist("pictures")


def _config(
    request: AuthenticatedHttpRequest, site: ListedSite, live_run_ids: list[str]
) -> dict[str, Any]:
    """What the scripts start from."""
    return {
        "siteId": str(site.pk),
        "apiUrl": f"/api/sites/{site.pk}",
        "uploadMaxBytes": limits_of(request.user).upload_bytes,
        "picturesMost": PICTURES_MOST,
        "balanceUrl": reverse("builder:balance"),
        "liveFrameUrl": live_frame_url(site),
        "liveRunIds": live_run_ids,
        "version": _shown_version(request, site),
    }


def _shown_version(request: AuthenticatedHttpRequest, site: Site) -> dict[str, Any] | None:
    number = request.GET.get("version", "")
    if number.isascii() and number.isdigit():
        return version_as_json(
            version_get(user=request.user, site_id=site.pk, number=int(number[:12]))
        )
    latest = version_latest(site)
    return version_as_json(latest) if latest else None
