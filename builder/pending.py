"""The request typed on the front page, kept in the session while its author signs up."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone

_KEY = "pending_prompt"
_KEPT_AT_KEY = "pending_prompt_at"


def pending_keep(request: HttpRequest, prompt: str) -> None:
    """Keeps it; a later one takes its place."""
    request.session[_KEY] = prompt
    request.session[_KEPT_AT_KEY] = timezone.now().isoformat()


def pending_prompt(request: HttpRequest, *, latest_site_at: datetime | None) -> str:
    """What is kept, "" when nothing is. A site made since then has used it: it is dropped."""
    prompt: str = request.session.get(_KEY, "")
    if not prompt:
        return ""
    kept_at = datetime.fromisoformat(request.session[_KEPT_AT_KEY])
    if latest_site_at is not None and latest_site_at > kept_at:
        del request.session[_KEY], request.session[_KEPT_AT_KEY]
        return ""
    return prompt
