"""Our errors on pages: what a person may not see is a 404, the rest is said in words."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from accounts.http import AuthenticatedHttpRequest
from config.errors import DomainError, NotFound

P = ParamSpec("P")
View = Callable[Concatenate[AuthenticatedHttpRequest, P], HttpResponse]


def page(view: View[P]) -> View[P]:
    """For a signed-in person. A refusal becomes a message on the page they came from."""

    @wraps(view)
    def translated(
        request: AuthenticatedHttpRequest, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(error.message) from None
        except DomainError as error:
            messages.error(request, error.message)
            site_id = kwargs.get("site_id")
            return redirect("builder:workspace", site_id) if site_id else redirect("builder:sites")

    return login_required(translated)  # type: ignore[return-value]
