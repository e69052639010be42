"""What the frame of every page shows. Lazy: a page that does not show it does not pay for it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from billing.selectors import Standing, standing_of
from models_catalog import selectors as catalogue


def frame(request: HttpRequest) -> dict[str, Any]:
    """`standing` (None for visitors) and `emulation_in_use`, each read at most once a page."""
    return {
        "standing": SimpleLazyObject(lambda: _standing(request)),
        "emulation_in_use": SimpleLazyObject(catalogue.emulation_in_use),
    }


def _standing(request: HttpRequest) -> Standing | None:
    user = getattr(request, "user", None)
    return standing_of(user, timezone.now()) if isinstance(user, User) else None
