"""From the parameters of a page, an API call or a file to what they are about, or a refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.zones import zone_of
from builder.models import Run, Site
from builder.selectors.usage import GROUPS, UsageScope, model_of
from builder.usage_range import bad_parameters, range_asked
from config.errors import NotFound
from models_catalog.models import AIModel, Provider

SCOPE_PARAMETERS = frozenset({"from", "to", "model", "site"})
SITES_TO_CHOOSE_MAX = 100
_SLUG = re.compile(r"[\w.:-]{1,50}", re.ASCII)


def scope_asked(*, user: User, given: Mapping[str, str], now: datetime) -> UsageScope:
    """What `from`, `to`, `model` and `site` say; missing or empty ones are the usual.

    Raises InvalidInput for a range or a model that can not be, NotFound for a site that is not
    the person's. A deleted site of theirs is fine: what it used stays used.
    """
    days = range_asked(given, zone=zone_of(user.time_zone), now=now)
    return UsageScope(
        user_id=user.pk,
        days=days,
        model=_model(user, given.get("model", "")),
        site_id=_site(user, given.get("site", "")),
    )


def groups_asked(text: str) -> tuple[str, ...]:
    """`day,model` → ("day", "model"); by day where nothing is said. Raises InvalidInput."""
    names = tuple(text.split(",")) if text else (GROUPS[0],)
    if set(names) <= set(GROUPS) and len(set(names)) == len(names):
        return names
    message = _("Group by one or more of %(groups)s, each once, with commas between.") % {
        "groups": ", ".join(GROUPS)
    }
    raise bad_parameters({"group": message}, code="invalid_group")


def parameters_read(query: QueryDict, known: frozenset[str]) -> dict[str, str]:
    """Each parameter once, none but `known` ones. Raises InvalidInput naming those that are not."""
    problems = {}
    for name in query:
        if name not in known:
            problems[name[:40]] = _("There is no such parameter.")
        elif len(query.getlist(name)) > 1:
            problems[name] = _("Give it once.")
    if problems:
        raise bad_parameters(problems, code="invalid_parameter")
    return query.dict()  # type: ignore[return-value]


def model_names() -> dict[str, str]:
    """Every model of the catalogue: slug → name."""
    return dict(AIModel.objects.values_list("slug", "name"))


def provider_names() -> dict[str, str]:
    """Every provider of the catalogue: slug → name."""
    return dict(Provider.objects.values_list("slug", "name"))


def sites_to_choose(scope: UsageScope) -> list[Site]:
    """The person's sites for a filter, last touched first, also deleted ones; the one that is
    chosen is always among them."""
    sites = Site.objects.filter(owner_id=scope.user_id)
    listed = list(sites.only("name", "deleted_at")[:SITES_TO_CHOOSE_MAX])
    if scope.site_id and scope.site_id not in {site.pk for site in listed}:
        listed += sites.filter(pk=scope.site_id)
    return listed


def _model(user: User, slug: str) -> str:
    if not slug or (_SLUG.fullmatch(slug) and _is_known(user, slug)):
        return slug
    problem = _("There is no such model, and you never used one of that name.")
    raise bad_parameters({"model": problem}, code="unknown_model")


def _is_known(user: User, slug: str) -> bool:
    """In the catalogue, or gone from it after this person used it."""
    if AIModel.objects.filter(slug=slug).exists():
        return True
    used = Run.objects.filter(owner=user).annotate(answered_by=model_of(""))
    return used.filter(answered_by=slug).exists()


def _site(user: User, site_id: str) -> UUID | None:
    if not site_id:
        return None
    try:
        found = Site.objects.filter(pk=UUID(site_id), owner=user).exists()
    except ValueError:
        found = False
    if not found:
        raise NotFound(_("There is no such site."))
    return UUID(site_id)
