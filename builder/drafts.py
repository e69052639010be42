"""A request on its way to the workspace: kept in the session, never in a URL or a log."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from django.http import HttpRequest

from builder.models import Picture, Site
from builder.selectors.pictures import pictures_of_site

_SESSION_KEY = "workspace_drafts"
# Where the front page keeps a request while its author signs up; used up by the first site.
_PENDING_PROMPT = "pending_prompt"
DRAFTS_KEPT = 5


def draft_keep(
    request: HttpRequest, site: Site, *, prompt: str, model: str, pictures: Iterable[str] = ()
) -> None:
    """Remembers what the composer of `site` shall be filled with. Writes to the session.

    pictures: ids of the site's pictures.
    """
    drafts = dict(request.session.get(_SESSION_KEY, {}))
    drafts.pop(str(site.pk), None)
    drafts[str(site.pk)] = {"prompt": prompt, "model": model, "pictures": list(pictures)}
    request.session[_SESSION_KEY] = dict(list(drafts.items())[-DRAFTS_KEPT:])
    request.session.pop(_PENDING_PROMPT, None)


def draft_of(request: HttpRequest, site: Site, *, sent: Collection[str] = ()) -> dict[str, str]:
    """{"prompt", "model"}, both "" when there is none, or when it is among the prompts `sent`."""
    kept = request.session.get(_SESSION_KEY, {}).get(str(site.pk), {})
    if kept.get("prompt", "").strip() in sent:
        kept = {}
    return {"prompt": kept.get("prompt", ""), "model": kept.get("model", "")}


def draft_pictures(request: HttpRequest, site: Site, *, prompt: str) -> list[Picture]:
    """The pictures kept with the draft whose prompt is `prompt`; no query where there are none."""
    kept = request.session.get(_SESSION_KEY, {}).get(str(site.pk), {})
    if not prompt or kept.get("prompt") != prompt:
        return []
    return pictures_of_site(site_id=site.pk, ids=[UUID(one) for one in kept.get("pictures", [])])


def draft_drop(request: HttpRequest, site_id: object) -> None:
    """Forgets it: the request was sent."""
    drafts = dict(request.session.get(_SESSION_KEY, {}))
    if drafts.pop(str(site_id), None) is not None:
        request.session[_SESSION_KEY] = drafts
