"""Our errors on money pages: what a person may not see is a 404, the rest is said in words."""

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


def money_page(*, back_to: str) -> Callable[[View[P]], View[P]]:
    """For a signed-in person. A refusal becomes a message on the page named `back_to`."""

    def decorated(view: View[P]) -> View[P]:
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
                return redirect(back_to)

        return login_required(translated)  # type: ignore[return-value]

    return decorated
