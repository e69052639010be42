"""What /status/ and GET /api/status say: plain words, nothing of keys, hosts or insides."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from builder.selectors.health import Condition, Health, HealthRow


def condition_word(condition: Condition) -> str:
    return {
        Condition.WORKING: _("working"),
        Condition.SLOW: _("slow"),
        Condition.FAILING: _("failing"),
        Condition.OFF: _("off"),
    }[condition]


def why(row: HealthRow) -> str:
    """Why it is not working, "" where it is."""
    if row.condition is Condition.WORKING:
        return ""
    if row.code == "switched_off":
        return row.reason or _("switched off by our staff")
    if row.code in {"connect_failed", "dns_failed", "tls_failed", "proxy_failed"}:
        return _("it can not be reached")
    return {
        "account": _("it does not serve us at the moment; our staff know"),
        "no_key": _("it is not set up here"),
        "gone": _("its provider no longer offers it"),
        "no_route": _("no provider serves it at the moment"),
        "slow": _("the first word takes longer than usual"),
        "failures": _("most of its latest answers failed"),
        "rate_limited": _("it is too busy"),
        "timeout": _("it does not answer in time"),
        "empty": _("its answers are empty"),
        "unauthorized": _("it does not serve us at the moment; our staff know"),
        "payment_required": _("it does not serve us at the moment; our staff know"),
    }.get(row.code, _("its answers fail"))


def headline(health: Health) -> str:
    """All of it in one sentence."""
    troubled = [
        row
        for row in (*health.providers, *health.models)
        if row.condition in (Condition.FAILING, Condition.SLOW)
    ]
    if not troubled:
        return _("Everything works.")
    if any(row.condition is Condition.FAILING for row in troubled):
        return _("Some of it is failing. Runs that fail are not charged.")
    return _("Everything works, some of it slowly.")


def status_as_dict(health: Health) -> dict[str, Any]:
    """The answer of GET /api/status."""
    return {
        "status": "ok" if health.all_well else "degraded",
        "as_of": health.as_of.isoformat().replace("+00:00", "Z"),
        "providers": [_row(row) for row in health.providers],
        "models": [_row(row) for row in health.models],
    }


def _row(row: HealthRow) -> dict[str, Any]:
    since = row.since.isoformat().replace("+00:00", "Z") if row.since else None
    return {
        "id": row.slug,
        "name": row.name,
        "state": str(row.condition),
        "reason": why(row) or None,
        "since": since,
        "success_percent": row.success_percent,
        "first_token_p50_ms": row.first_token_p50_ms,
        "first_token_p95_ms": row.first_token_p95_ms,
        "hours": [
            {
                "at": hour.at.isoformat().replace("+00:00", "Z"),
                "answered": hour.answered,
                "failed": hour.failed,
            }
            for hour in row.hours
        ],
    }
