"""The exact field names of the contract's calls."""

from __future__ import annotations

from typing import Any

import pytest

from builder.models import Run, Site, Version
from tests.api.conftest import Call, caller

pytestmark = pytest.mark.django_db

RUN = {
    "id",
    "siteId",
    "state",
    "model",
    "modelUsed",
    "prompt",
    "createdAt",
    "startedAt",
    "finishedAt",
    "url",
    "eventsUrl",
    "cancelUrl",
    "estimate",
    "usage",
    "receipt",
    "versionId",
    "version",
    "notes",
    "error",
    "images",
}
VERSION = {
    "id",
    "number",
    "origin",
    "parent",
    "summary",
    "createdAt",
    "files",
    "changed",
    "previewUrl",
    "checkUrl",
    "zipUrl",
}
SITE = {"id", "name", "createdAt", "updatedAt", "latestVersion", "url"}
MODEL = {
    "id",
    "name",
    "maker",
    "provider",
    "tokenCost",
    "billingUnit",
    "inputWeight",
    "vision",
    "contextWindow",
    "maxOutputTokens",
    "tagline",
    "available",
    "unavailableReason",
}


def get(call: Call, path: str) -> Any:
    answer = call("get", path)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_me(api: Call) -> None:
    body = get(api, "/api/me")
    assert set(body) == {"user", "pockets", "debt"}
    user = body["user"]
    assert set(user) == {
        "id",
        "email",
        "subscriptionStatus",
        "availableTokens",
        "tokenSource",
        "resetInfo",
        "pockets",
        "debt",
    }
    assert set(user["resetInfo"]) == {"nextReset", "tokensUsedThisMonth", "monthlyLimit"}
    assert set(user["pockets"][0]) == {"kind", "available", "held", "expiresAt"}
    assert (user["subscriptionStatus"], user["tokenSource"]) == ("free", "free_monthly")
    assert user["availableTokens"] == user["resetInfo"]["monthlyLimit"] == 10_000


def test_models(catalogue: None) -> None:
    body = get(caller(None), "/api/models")
    assert set(body) == {"models"}
    assert len(body["models"]) == 19
    assert all(set(model) == MODEL for model in body["models"])


def test_an_estimate(api: Call, site: Site, catalogue: None) -> None:
    wanted = {"model": "claude-3-haiku", "prompt": "A bakery", "siteId": str(site.pk)}
    answer = api("post", "/api/estimates", wanted)
    assert answer.status_code == 200
    body = answer.json()
    assert {"low", "high", "ceiling", "affordable", "pockets"} <= set(body)
    assert 0 < body["low"] <= body["high"] <= body["ceiling"]
    assert all(set(pocket) == {"kind", "amount"} for pocket in body["pockets"])


def test_a_run_from_its_start(api: Call, site: Site, catalogue: None) -> None:
    answer = api(
        "post",
        f"/api/sites/{site.pk}/runs",
        {"prompt": "A bakery", "model": "claude-3-haiku", "allowFallback": False},
    )
    assert answer.status_code == 202
    assert set(answer.json()) == {"run"}
    run = answer.json()["run"]
    assert set(run) == RUN
    assert (run["state"], run["receipt"], run["usage"], run["error"]) == (
        "queued",
        None,
        None,
        None,
    )
    assert set(run["estimate"]) == {"low", "high", "ceiling"}
    assert run["eventsUrl"] == f"/api/runs/{run['id']}/events"
    assert get(api, run["url"]) == run
    cancelled = api("post", run["cancelUrl"])
    assert cancelled.status_code == 202
    assert cancelled.json()["run"]["state"] == "cancelled"


def test_a_finished_run_has_its_receipt_and_error(api: Call, run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(
        state="failed", error_code="cut", error_message="Broken off. Not charged. Try again."
    )
    body = get(api, f"/api/runs/{run.pk}")
    assert set(body) == RUN
    assert set(body["receipt"]) == {"charged", "pockets", "estimated", "attempts"}
    assert set(body["error"]) == {"code", "message", "charged"}
    assert get(api, f"/api/sites/{run.site_id}/runs") == {"runs": [body]}


def test_sites_and_versions(api: Call, version: Version) -> None:
    base = f"/api/sites/{version.site_id}"
    assert set(get(api, base)) == SITE
    assert set(get(api, "/api/sites")) == {"sites"}
    listed = get(api, f"{base}/versions")
    assert set(listed) == {"versions", "nextBefore"}
    one = get(api, f"{base}/versions/1")
    assert listed["versions"] == [one]
    assert set(one) == VERSION
    assert set(one["files"][0]) == {"path", "size", "sha256"}
    file = api("get", f"{base}/versions/1/files/index.html")
    assert file.content == b"<h1>Brot</h1>"
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.headers["Content-Type"].startswith("text/html")
    assert api("get", f"{base}/versions/1.zip").headers["Content-Type"] == "application/zip"
