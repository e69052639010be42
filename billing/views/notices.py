"""The low-balance banner's button."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.http import AuthenticatedHttpRequest
from billing.services.notices import notice_dismiss
from billing.views.edge import money_page


@require_POST
@money_page(back_to="dashboard")
def dismiss(request: AuthenticatedHttpRequest, notice_id: int) -> HttpResponse:
    """Hide the banner for good; htmx takes it away, others go back to where they were."""
    notice_dismiss(user=request.user, notice_id=notice_id)
    if request.headers.get("HX-Request"):
        return HttpResponse()
    back = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back if ours else "dashboard")
