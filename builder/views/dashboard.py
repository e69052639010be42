"""A signed-in person's home."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest
from billing.plan import plan_of
from billing.selectors import standing_of
from builder.examples import FIRST_EXAMPLES
from builder.pending import pending_prompt
from builder.selectors.dashboard import (
    models_afforded,
    next_step,
    recent_runs,
    recent_sites,
)
from models_catalog.selectors import models_listed


@login_required
@require_safe
def dashboard(request: AuthenticatedHttpRequest) -> HttpResponse:
    """One number, the pockets, the latest sites and runs, and one next step."""
    now = timezone.now()
    standing = standing_of(request.user, now)
    plan = plan_of(request.user, now)
    runs = recent_runs(request.user)
    rows = models_listed()
    sites = recent_sites(request.user)
    latest = max((card.site.created_at for card in sites), default=None)
    context = {
        "standing": standing,
        "own_standing": standing,
        "plan": plan,
        "next_step": next_step(standing=standing, plan=plan, runs=runs, rows=rows),
        "sites": sites,
        "runs": runs,
        "afforded": models_afforded(standing.available, rows),
        "prompt": pending_prompt(request, latest_site_at=latest),
        "examples": FIRST_EXAMPLES,
    }
    return render(request, "pages/dashboard.html", context)
