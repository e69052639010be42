"""What staff may do about a finding, one click each. All in one transaction, on a locked row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.errors import Conflict, InvalidInput
from models_catalog.models import AIModel, CatalogueFinding, Route

Kind = CatalogueFinding.Kind
CONTEXT_WINDOW_USUAL: Final = 32_768
OUTPUT_TOKENS_USUAL: Final = 4_096
NOT_CHECKED: Final = "new in the catalogue, not yet checked by our staff"


@dataclass(frozen=True, slots=True)
class Action:
    """verb: in addresses. `does` changes the catalogue and gives (the row changed, what was done);
    what it did is the finding's resolution. A finding that stays open has none."""

    verb: str
    label: str | Promise
    kinds: frozenset[str]
    does: Callable[[CatalogueFinding], tuple[Model, str]]
    resolves: bool = True


def actions_of(finding: CatalogueFinding) -> list[Action]:
    """What can be done about it now, the most useful first; nothing once it is resolved."""
    if finding.resolved_at is not None:
        return []
    possible = [action for action in ACTIONS.values() if finding.kind in action.kinds]
    if finding.kind == Kind.BELOW_COST and not finding.detail.get("least_token_cost"):
        possible = [action for action in possible if action.verb != "raise-price"]
    hidden = "dismiss" if finding.dismissed_at is not None else "show-again"
    return [action for action in possible if action.verb != hidden]


def finding_act(*, finding_id: int, verb: str) -> tuple[CatalogueFinding, Model, str]:
    """Do it; gives the finding, the row that was changed and what was done, for the log.

    Raises Conflict, and nothing is changed, if the finding is over or that can not be done about
    it; InvalidInput if the catalogue does not allow it.
    """
    with transaction.atomic():
        finding = CatalogueFinding.objects.select_for_update().get(pk=finding_id)
        action = next((one for one in actions_of(finding) if one.verb == verb), None)
        if action is None:
            raise Conflict(
                _("This finding is over, or that can not be done about it. Nothing was changed."),
                code="finding_over",
            )
        row, done = action.does(finding)
        if action.resolves:
            finding.resolved_at = timezone.now()
            finding.resolution = done[:200]
            finding.save(update_fields=["resolved_at", "resolution"])
    return finding, row, done


def _take_price(finding: CatalogueFinding) -> tuple[Model, str]:
    routes = Route.objects.filter(
        provider_id=finding.provider_id, provider_model_id=finding.provider_model_id
    )
    routes.update(**_price_columns(finding.detail))
    return _route(finding), _("provider's price taken: %(price)s") % {
        "price": prices_text(finding.detail["prices"])
    }


def _follow_rename(finding: CatalogueFinding) -> tuple[Model, str]:
    route, new_id = _route(finding), finding.detail["to"]
    twin = Route.objects.filter(
        model_id=route.model_id, provider_id=route.provider_id, provider_model_id=new_id
    )
    if twin.exists():
        raise InvalidInput(
            _("%(model)s already has a route to %(id)s. Nothing was changed.")
            % {"model": route.model, "id": new_id}
        )
    route.provider_model_id = new_id
    route.gone_since = None
    route.listed_name = str(finding.detail.get("name", ""))
    columns = _price_columns(finding.detail) if finding.detail.get("prices") else {}
    for name, value in columns.items():
        setattr(route, name, value)
    route.save()
    return route, _("route points at %(id)s") % {"id": new_id}


def _add_candidate(finding: CatalogueFinding) -> tuple[Model, str]:
    facts = finding.detail
    window = max(2, int(facts.get("context_window") or CONTEXT_WINDOW_USUAL))
    output = int(facts.get("max_output_tokens") or OUTPUT_TOKENS_USUAL)
    last = AIModel.objects.order_by("-position").first()
    model = AIModel.objects.create(
        slug=_free_slug(finding.provider_model_id),
        name=str(facts["name"])[:80],
        maker=str(facts["maker"])[:80],
        tagline=_("New"),
        token_cost=int(facts.get("token_cost") or 1),
        input_weight=Decimal(facts.get("input_weight") or "0.2"),
        vision=bool(facts.get("vision")),
        context_window=window,
        max_output_tokens=min(output, window - 1),
        enabled=False,
        disabled_reason=NOT_CHECKED,
        position=min((last.position if last else 0) + 10, 32_767),
    )
    columns = _price_columns(facts) if facts.get("prices") else {}
    Route.objects.create(
        model=model,
        provider_id=finding.provider_id,
        provider_model_id=finding.provider_model_id,
        **columns,
    )
    return model, _("added as a model that is switched off")


def _raise_price(finding: CatalogueFinding) -> tuple[Model, str]:
    model = _route(finding).model
    least = int(finding.detail["least_token_cost"])
    before, model.token_cost = model.token_cost, max(least, model.token_cost)
    model.save(update_fields=["token_cost"])
    return model, f"token_cost: {before} → {model.token_cost}"


def _dismiss(finding: CatalogueFinding) -> tuple[Model, str]:
    finding.dismissed_at = timezone.now()
    finding.save(update_fields=["dismissed_at"])
    if finding.kind in (Kind.GONE, Kind.RENAMED):
        Route.objects.filter(
            provider_id=finding.provider_id, provider_model_id=finding.provider_model_id
        ).update(gone_since=None)
    return finding, _("dismissed")


def _show_again(finding: CatalogueFinding) -> tuple[Model, str]:
    finding.dismissed_at = None
    finding.save(update_fields=["dismissed_at"])
    if finding.kind in (Kind.GONE, Kind.RENAMED):
        Route.objects.filter(
            provider_id=finding.provider_id, provider_model_id=finding.provider_model_id
        ).update(gone_since=timezone.now())
    return finding, _("shown again")


def prices_text(prices: list[str | None] | None) -> str:
    """`["3", "15"]` → `$3 in, $15 out`, per million tokens."""
    if not prices or None in prices:
        return _("unknown")
    return _("$%(input)s in, $%(output)s out") % {"input": prices[0], "output": prices[1]}


def _price_columns(detail: Mapping[str, Any]) -> dict[str, Any]:
    input_usd, output_usd = detail["prices"]
    return {
        "input_usd_per_million": Decimal(input_usd),
        "output_usd_per_million": Decimal(output_usd),
        "priced_at": timezone.now(),
    }


def _route(finding: CatalogueFinding) -> Route:
    route = finding.route
    if route is None or route.provider_model_id != finding.provider_model_id:
        raise Conflict(
            _("The route was changed since. Nothing was done. Compare with the providers again."),
            code="finding_over",
        )
    return route


def _free_slug(model_id: str) -> str:
    """`anthropic/claude-3.5-sonnet` → `claude-3-5-sonnet`, with a number if it is taken."""
    base = slugify(model_id.rpartition("/")[2].replace(".", "-"))[:44] or "model"
    taken = set(AIModel.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return next(slug for slug in (base, *numbered) if slug not in taken)


_EVERY = frozenset(Kind.values)
ACTIONS: Final = {
    action.verb: action
    for action in (
        Action(
            "take-price", gettext_lazy("Take the new price"), frozenset({Kind.PRICE}), _take_price
        ),
        Action(
            "follow",
            gettext_lazy("Point the route at the new id"),
            frozenset({Kind.RENAMED}),
            _follow_rename,
        ),
        Action(
            "add",
            gettext_lazy("Add, switched off"),
            frozenset({Kind.CANDIDATE}),
            _add_candidate,
        ),
        Action(
            "raise-price",
            gettext_lazy("Raise the token cost"),
            frozenset({Kind.BELOW_COST}),
            _raise_price,
        ),
        Action("dismiss", gettext_lazy("Dismiss"), _EVERY, _dismiss, resolves=False),
        Action("show-again", gettext_lazy("Show again"), _EVERY, _show_again, resolves=False),
    )
}
