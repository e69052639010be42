"""The versions of a site: listed, restored, downloaded."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import AuthenticatedHttpRequest
from builder.downloads import zip_response
from builder.selectors.sites import site_get, version_get, versions_of
from builder.services.versions import version_restore
from builder.views.edge import page

VERSIONS_A_PAGE = 30


@page
@require_safe
def versions_list(request: AuthenticatedHttpRequest, *, site_id: UUID) -> HttpResponse:
    """Every version, the newest first."""
    site = site_get(user=request.user, site_id=site_id)
    shown = Paginator(versions_of(site), VERSIONS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "builder/versions.html", {"site": site, "page": shown})


@page
@require_POST
def version_restore_view(
    request: AuthenticatedHttpRequest, *, site_id: UUID, number: int
) -> HttpResponse:
    site = site_get(user=request.user, site_id=site_id)
    made = version_restore(site=site, number=number)
    messages.success(
        request,
        _("Version %(old)d is back, as version %(new)d.") % {"old": number, "new": made.number},
    )
    return redirect("builder:workspace", site.pk)


@page
@require_safe
def version_download(
    request: AuthenticatedHttpRequest, *, site_id: UUID, number: int
) -> HttpResponse:
    return zip_response(version_get(user=request.user, site_id=site_id, number=number))
