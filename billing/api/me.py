"""`GET /api/me`: who is asking, and what they can spend."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from accounts.api_schema import ApiSchema
from accounts.models import User
from billing.selectors import Standing, standing_of

router = Router(tags=["tokens"])


class DailyResetOut(ApiSchema):
    next_reset: datetime
    tokens_used_today: int
    daily_limit: int


class ResetInfoOut(ApiSchema):
    """daily: only while the user has premium."""

    next_reset: datetime
    tokens_used_this_month: int
    monthly_limit: int
    daily: DailyResetOut | None = None


class PocketOut(ApiSchema):
    kind: str
    available: int
    held: int
    expires_at: datetime | None


class UserOut(ApiSchema):
    id: int
    email: str
    subscription_status: str
    available_tokens: int
    token_source: str
    reset_info: ResetInfoOut
    pockets: list[PocketOut]
    debt: int


class MeOut(ApiSchema):
    """pockets and debt: the same as the user's, for clients that look for them beside the user.

    debt: tokens owed, because a payment was taken back after they had been used.
    """

    user: UserOut
    pockets: list[PocketOut]
    debt: int


@router.get("/me", response=MeOut, by_alias=True, exclude_unset=True, summary="Your tokens")
def me(request: HttpRequest) -> dict[str, Any]:
    """Your plan, what you can spend, out of which pocket next, and when it is filled again."""
    user = cast(User, request.user)  # the API's authentication lets nobody else in
    standing = standing_of(user, timezone.now())
    return {
        "user": {
            "id": user.pk,
            "email": user.email,
            "subscription_status": standing.subscription_status,
            "available_tokens": standing.available,
            "token_source": standing.token_source,
            "reset_info": _reset_info(standing),
            "pockets": list(standing.pockets),
            "debt": standing.debt,
        },
        "pockets": list(standing.pockets),
        "debt": standing.debt,
    }


def _reset_info(standing: Standing) -> dict[str, Any]:
    info: dict[str, Any] = {
        "next_reset": standing.next_reset,
        "tokens_used_this_month": standing.tokens_used_this_month,
        "monthly_limit": standing.monthly_limit,
    }
    if standing.daily:
        info["daily"] = {
            "next_reset": standing.daily.next_reset,
            "tokens_used_today": standing.daily.used,
            "daily_limit": standing.daily.limit,
        }
    return info
