"""A person's standing on one page, and what staff may do about it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.sites import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from billing.admin.forms import ACTIONS, ActionForm
from billing.staff_selectors import full_standing_of
from billing.stripe.dashboard import stripe_link
from config.errors import DomainError

LOOK = ("billing.view_grant", "billing.view_order")
ACT = "billing.add_staffaction"


@require_safe
def standing_page(request: HttpRequest, *, site: AdminSite, user_id: int) -> HttpResponse:
    """Pockets, plan, grants, holds, orders, payments, charges, debts, alerts."""
    staff = _staff(request)
    return _render(request, site, staff, get_object_or_404(User, pk=user_id))


@require_POST
def standing_act(request: HttpRequest, *, site: AdminSite, user_id: int, verb: str) -> HttpResponse:
    """Carry one action out, if it has a reason and the member of staff has the permission."""
    staff = _staff(request)
    if not staff.has_perm(ACT):
        raise PermissionDenied
    subject = get_object_or_404(User, pk=user_id)
    if verb not in ACTIONS:
        raise Http404
    form = ACTIONS[verb](request.POST, subject=subject)
    if form.is_valid():
        try:
            action = form.act(staff)
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            done = _("Done: %(what)s, %(tokens)s tokens.")
            words = {"what": action.get_verb_display(), "tokens": f"{action.tokens:,}"}
            messages.success(request, done % words)
            return redirect("admin:billing_standing", user_id)
    return _render(request, site, staff, subject, refused=form)


def _staff(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or not user.has_perms(LOOK):
        raise PermissionDenied
    return user


def _render(
    request: HttpRequest,
    site: AdminSite,
    staff: User,
    subject: User,
    refused: ActionForm | None = None,
) -> HttpResponse:
    forms = [form(subject=subject) for form in ACTIONS.values()] if staff.has_perm(ACT) else []
    if refused is not None:
        forms = [refused if form.verb == refused.verb else form for form in forms]
    full = full_standing_of(subject, timezone.now())
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": _("Standing of %(email)s") % {"email": subject.email},
        "subject": subject,
        "full": full,
        "customer_links": stripe_link(*full.customer_ids),
        "forms": forms,
    }
    status = 422 if refused is not None else 200
    return TemplateResponse(request, "admin/billing/standing.html", context, status=status)
