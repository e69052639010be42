"""Findings in words, for staff: what differs, and what an action would do about it."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from models_catalog.models import CatalogueFinding
from models_catalog.selectors import fallbacks_of, model_get
from models_catalog.truth.actions import prices_text

Kind = CatalogueFinding.Kind


def difference(finding: CatalogueFinding) -> str:
    """What differs, in one line. Prices are per million tokens."""
    detail = finding.detail
    if finding.kind == Kind.GONE:
        return _("Not on the list any more.")
    if finding.kind == Kind.RENAMED:
        return _("Now listed as %(id)s (%(name)s).") % {"id": detail["to"], "name": detail["name"]}
    if finding.kind == Kind.PRICE:
        return _("Here: %(before)s. Listed: %(after)s.") % {
            "before": prices_text(detail["before"]),
            "after": prices_text(detail["prices"]),
        }
    if finding.kind == Kind.CANDIDATE:
        return _("%(name)s of %(maker)s, %(prices)s.") % {
            "name": detail["name"],
            "maker": detail["maker"],
            "prices": prices_text(detail["prices"]),
        }
    return _("Brings %(earned)s; costs us %(cost)s.") % {
        "earned": prices_text(_rounded(detail["earned"])),
        "cost": prices_text(_rounded(detail["cost"])),
    }


def consequence(finding: CatalogueFinding, verb: str) -> list[str]:
    """What the action would do, a sentence each."""
    told = {
        "take-price": _take_price,
        "follow": _follow,
        "add": _add,
        "raise-price": _raise_price,
        "dismiss": _dismiss,
        "show-again": _show_again,
    }
    return told[verb](finding)


def _take_price(finding: CatalogueFinding) -> list[str]:
    return [
        _("The route's price becomes %(price)s per million tokens.")
        % {"price": prices_text(finding.detail["prices"])},
        _("It is what later costs and margins are counted with; costs already kept stay."),
        _("What people pay in tokens does not change, nor does any run already quoted."),
    ]


def _follow(finding: CatalogueFinding) -> list[str]:
    sentences = [
        _("The route of %(model)s sends %(new)s instead of %(old)s, and is in use again.")
        % {
            "model": finding.route.model if finding.route else "",
            "new": finding.detail["to"],
            "old": finding.provider_model_id,
        }
    ]
    if finding.detail.get("prices"):
        sentences.append(
            _("Its price becomes %(price)s per million tokens.")
            % {"price": prices_text(finding.detail["prices"])}
        )
    return sentences


def _add(finding: CatalogueFinding) -> list[str]:
    detail = finding.detail
    sentences = [
        _("A model %(name)s of %(maker)s is made with one route. Nobody can choose it yet.")
        % {"name": detail["name"], "maker": detail["maker"]},
        _("Then look at its name, tagline, price and fallbacks, and switch it on."),
    ]
    if detail.get("token_cost"):
        sentences.insert(
            1,
            _("Token cost %(cost)s and input weight %(weight)s: the least that covers its price.")
            % {"cost": detail["token_cost"], "weight": detail["input_weight"]},
        )
    return sentences


def _raise_price(finding: CatalogueFinding) -> list[str]:
    return [
        _("%(model)s costs people %(new)s instead of %(old)s tokens per output token.")
        % {
            "model": finding.route.model if finding.route else "",
            "new": finding.detail["least_token_cost"],
            "old": finding.detail["token_cost"],
        },
        _("Runs already quoted keep their price."),
    ]


def _dismiss(finding: CatalogueFinding) -> list[str]:
    sentences = [_("It is out of sight until it changes or is no longer so.")]
    if finding.kind in (Kind.GONE, Kind.RENAMED):
        sentences.append(
            _("The route is used again although the provider does not list the model.")
        )
    return sentences


def _show_again(finding: CatalogueFinding) -> list[str]:
    sentences = [_("It is among the open findings again.")]
    if finding.kind in (Kind.GONE, Kind.RENAMED):
        sentences.append(_("The route is out of use until the provider lists the model again."))
    return sentences


def stands_in(finding: CatalogueFinding) -> str:
    """Who answers instead of a model that is gone, by name; "" where nobody does."""
    if finding.route is None or finding.kind not in (Kind.GONE, Kind.RENAMED):
        return ""
    others = fallbacks_of(model_get(finding.route.model.slug))
    return others[0].name if others else ""


def _rounded(prices: Sequence[str]) -> list[str | None]:
    return [price[:9] for price in prices]
