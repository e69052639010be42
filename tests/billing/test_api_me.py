"""`GET /api/me`: exactly the owner's shape, and what the contract adds."""

import json

import pytest
import time_machine

from billing.services.holds import hold_settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def me(client, user, now):
    """The answer's JSON, at `now`."""

    def get():
        client.force_login(user)
        with time_machine.travel(now, tick=False):
            response = client.get("/api/me")
        assert response.status_code == 200
        assert response["Content-Type"].startswith("application/json")
        return json.loads(response.content)

    return get


def test_the_owners_example(me, user, hold, now):
    taken = hold(user, 2_000)
    hold_settle(hold_id=taken.pk, amount=1_500, now=now)
    body = me()
    assert body.pop("pockets") == body["user"]["pockets"]
    assert (body.pop("debt"), body["user"].pop("debt")) == (0, 0)
    assert body == {
        "user": {
            "id": user.pk,
            "email": user.email,
            "subscriptionStatus": "free",
            "availableTokens": 8_500,
            "tokenSource": "free_monthly",
            "resetInfo": {
                "nextReset": "2026-12-01T00:00:00Z",
                "tokensUsedThisMonth": 1_500,
                "monthlyLimit": 10_000,
            },
            "pockets": [
                {
                    "kind": "free_monthly",
                    "available": 8_500,
                    "held": 0,
                    "expiresAt": "2026-12-01T00:00:00Z",
                }
            ],
        }
    }


def test_who_bought_tokens_and_used_up_the_month(me, user, hold, purchase):
    purchase(user, 200_000)
    hold(user, 10_100)
    body = me()["user"]
    assert body["subscriptionStatus"] == "paid_tokens"
    assert body["tokenSource"] == "purchased"
    assert body["availableTokens"] == 199_900
    assert body["pockets"] == [
        {
            "kind": "free_monthly",
            "available": 0,
            "held": 10_000,
            "expiresAt": "2026-12-01T00:00:00Z",
        },
        {"kind": "purchased", "available": 199_900, "held": 100, "expiresAt": None},
    ]


def test_premium_adds_the_day(me, user, premium):
    premium(user)
    body = me()["user"]
    assert body["subscriptionStatus"] == "premium_monthly"
    assert body["availableTokens"] == 40_000
    assert body["resetInfo"]["daily"] == {
        "nextReset": "2026-11-16T00:00:00Z",
        "tokensUsedToday": 0,
        "dailyLimit": 30_000,
    }


def test_a_stranger_is_told_to_sign_in(client):
    response = client.get("/api/me")
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
