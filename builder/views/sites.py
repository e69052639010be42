"""The list of sites, and what is done to a site as a whole."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest
from builder.drafts import draft_keep
from builder.examples import FIRST_EXAMPLES
from builder.forms import NameForm, PromptForm, first_error
from builder.selectors.limits import limits_of
from builder.selectors.sites import site_get, sites_of
from builder.selectors.workspace import site_cards
from builder.services.pictures import pictures_uploaded
from builder.services.sites import name_from_prompt, site_create, site_delete, site_rename
from builder.views.edge import page

SITES_A_PAGE = 12


@page
@require_safe
def sites_list(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The person's sites as cards, last touched first."""
    shown = Paginator(sites_of(request.user), SITES_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": shown, "cards": site_cards(shown), "examples": FIRST_EXAMPLES}
    return render(request, "builder/sites.html", context)


@page
@require_http_methods(["GET", "HEAD", "POST"])
def site_new(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Makes a site out of a request and opens its workspace with the request filled in."""
    if request.method != "POST":
        return redirect("builder:sites")
    form = PromptForm(request.POST, prompt_bytes=limits_of(request.user).prompt_bytes)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect("builder:sites")
    prompt = form.cleaned_data["prompt"]
    site = site_create(owner=request.user, name=name_from_prompt(prompt))
    files = request.FILES.getlist("pictures")
    pictures, refused = pictures_uploaded(user=request.user, site=site, files=files)
    for refusal in refused:
        messages.error(request, refusal)
    model = form.cleaned_data["model"]
    draft_keep(request, site, prompt=prompt, model=model, pictures=pictures)
    return redirect("builder:workspace", site.pk)


@page
@require_POST
def site_rename_view(request: AuthenticatedHttpRequest, *, site_id: UUID) -> HttpResponse:
    site = site_get(user=request.user, site_id=site_id)
    form = NameForm(request.POST)
    if form.is_valid():
        site_rename(site=site, name=form.cleaned_data["name"])
    else:
        messages.error(request, first_error(form))
    return redirect("builder:workspace", site.pk)


@page
@require_POST
def site_delete_view(request: AuthenticatedHttpRequest, *, site_id: UUID) -> HttpResponse:
    site = site_get(user=request.user, site_id=site_id)
    site_delete(site=site)
    messages.success(request, _("“%(name)s” was deleted.") % {"name": site.name})
    return redirect("builder:sites")
