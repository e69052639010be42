"""The account page, and the language switch of every page."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views import i18n
from django.views.decorators.http import require_http_methods

from accounts.forms import PreferencesForm
from accounts.http import AuthenticatedHttpRequest
from accounts.models import User
from accounts.selectors import security_of
from accounts.services import language_choose, preferences_update


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Language and time zone; links to e-mail, password, second factor and sessions."""
    form = PreferencesForm(request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        preferences_update(user=request.user, **form.cleaned_data)
        # So that the thanks are already said in the language that was chosen.
        with translation.override(request.user.language or translation.get_language()):
            messages.success(request, _("Saved."))
        return redirect("account")
    context = {
        "form": form or PreferencesForm.of(request.user),
        "security": security_of(request.user),
    }
    return render(request, "accounts/account.html", context, status=422 if form else 200)


def set_language(request: HttpRequest) -> HttpResponseBase:
    """Django's own switch, remembered for who is signed in: else their setting would undo it."""
    response = i18n.set_language(request)
    language = request.POST.get("language", "")
    known = translation.check_for_language(language)
    if request.method == "POST" and known and isinstance(request.user, User):
        language_choose(user=request.user, language=language)
    return response
