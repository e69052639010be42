"""A signed-in person's home."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest
from billing.selectors import standing_of
from builder.examples import FIRST_EXAMPLES
from builder.pending import pending_prompt
from builder.selectors.dashboard import models_afforded, recent_runs, recent_sites


@login_required
@require_safe
def dashboard(request: AuthenticatedHttpRequest) -> HttpResponse:
    """One number, the pockets, the latest sites and runs, and one next step."""
    standing = standing_of(request.user, timezone.now())
    sites = recent_sites(request.user)
    latest = max((card.site.created_at for card in sites), default=None)
    context = {
        "own_standing": standing,
        "sites": sites,
        "runs": recent_runs(request.user),
        "afforded": models_afforded(standing.available),
        "prompt": pending_prompt(request, latest_site_at=latest),
        "examples": FIRST_EXAMPLES,
    }
    return render(request, "pages/dashboard.html", context)
