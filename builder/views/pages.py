"""The pages that need no site: the front door, what it costs, what there is, how it is."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from billing.offers import free_tokens, packages, subscriptions
from billing.plan import plan_of
from billing.selectors import standing_of
from billing.stripe.api import purchases_open
from builder.examples import EXAMPLES, FIRST_EXAMPLES
from builder.pending import pending_keep
from builder.selectors.health import health_now
from builder.selectors.offers import (
    catalogue_by_maker,
    chosen_model,
    presets,
    tokens_asked,
)
from builder.status_words import headline
from models_catalog.selectors import models_listed


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """The front door. A request typed here is kept in the session and offered after sign-up."""
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect("dashboard")
        return render(request, "pages/home.html", {"examples": FIRST_EXAMPLES})
    prompt = request.POST.get("prompt", "").replace("\x00", "").strip()
    if not prompt or len(prompt.encode()) > settings.RUN_PROMPT_MAX_BYTES:
        problem = _("Write what the site is for, in up to 32 KB of text. Nothing was charged.")
        context = {"examples": FIRST_EXAMPLES, "problem": problem, "prompt": prompt[:8000]}
        return render(request, "pages/home.html", context, status=422)
    pending_keep(request, prompt)
    return redirect("dashboard" if request.user.is_authenticated else "account_signup")


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    """What is on offer, what a run costs, and what a balance buys, on a model picked once."""
    rows = models_listed()
    user = request.user if isinstance(request.user, User) else None
    now = timezone.now()
    own = standing_of(user, now).available if user else 0
    offered = list(packages())
    # A visitor has no balance: the smallest package says more than a free month.
    usual = own or (offered[0].tokens if offered else free_tokens())
    context = {
        "packages": offered,
        "premium": subscriptions().first(),
        "free_tokens": free_tokens(),
        "rows": rows,
        "chosen": chosen_model(rows, request.GET.get("model", "")),
        "can_buy": purchases_open(),
        "plan": plan_of(user, now) if user else None,
        "balance": tokens_asked(request.GET.get("tokens", ""), usual=usual),
        "presets": presets(own, free_tokens(), *(offer.tokens for offer in offered)),
    }
    return render(request, "pages/pricing.html", context)


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """Every model, by maker, also those that can not be chosen, with the reason."""
    rows = models_listed()
    context = {
        "groups": catalogue_by_maker(rows),
        "total": len(rows),
        # Where all of them are samples the banner says it once for all.
        "some_are_samples": len({row.emulated for row in rows}) > 1,
    }
    return render(request, "pages/models.html", context)


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/gallery.html", {"examples": EXAMPLES})


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/help.html", {"free_tokens": free_tokens()})


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """How the providers are. That the page shows at all says the app and its database answer."""
    health = health_now()
    context = {"health": health, "headline": headline(health)}
    return render(request, "pages/status.html", context)
