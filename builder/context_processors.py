"""What the frame of every page shows. Lazy: a page that does not show it does not pay for it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from billing.models import Notice
from billing.sales_selectors import notice_shown
from billing.selectors import Standing, standing_of
from models_catalog import selectors as catalogue


def frame(request: HttpRequest) -> dict[str, Any]:
    """`standing` and `notice` (None for visitors) and `emulation_in_use`, each read at most once
    a page, the notice in one query."""
    return {
        "standing": SimpleLazyObject(lambda: _standing(request)),
        "notice": SimpleLazyObject(lambda: _notice(request)),
        "emulation_in_use": SimpleLazyObject(catalogue.emulation_in_use),
    }


def _standing(request: HttpRequest) -> Standing | None:
    user = getattr(request, "user", None)
    return standing_of(user, timezone.now()) if isinstance(user, User) else None


def _notice(request: HttpRequest) -> Notice | None:
    user = getattr(request, "user", None)
    return notice_shown(user) if isinstance(user, User) else None
