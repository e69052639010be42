"""A person's plan and pockets."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.http import AuthenticatedHttpRequest
from billing.selectors import standing_of


@login_required
@require_safe
def overview(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Plan, pockets and their resets. Nothing can be bought yet, and the page says so."""
    standing = standing_of(request.user, timezone.now())
    return render(request, "billing/overview.html", {"own_standing": standing})
