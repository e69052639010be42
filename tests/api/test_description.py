"""The API's own description: what it says is what it does, and its page is ours."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import CHECKS, load_all_checks

from accounts.models import User
from builder.models import Run, Version
from config.api import api as ninja_api
from tests.api.test_tokens import log_in

EXAMPLES = 12
# What a client may rely on, whatever it sends. Refusals of odd but well-formed input are ours.
CHECK_NAMES = (
    "not_a_server_error",
    "content_type_conformance",
    "response_schema_conformance",
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("signed_in", [False, True], ids=["anonymous", "signed-in"])
def test_whatever_is_sent_is_answered_as_described(
    signed_in: bool, alice: User, run: Run, version: Version, settings: Any
) -> None:
    load_all_checks()
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = False
    headers = {}
    if signed_in:
        headers = {"Authorization": f"Bearer {log_in(alice.email)['access_token']}"}
    application = get_wsgi_application()
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", application)
    schema.app = application
    checks = [CHECKS.get_one(name) for name in CHECK_NAMES]
    called = []

    results: list[Any] = list(schema.get_all_operations())
    for result in results:
        operation = result.ok()

        def examine(case: Any) -> None:
            _own_objects(case, run, version)
            response = case.call(headers=headers)
            called.append(response.status_code)
            case.validate_response(response, checks=checks)
            if response.status_code >= 400:
                assert response.headers["content-type"] == ["application/problem+json"]

        _run(operation, examine)
    assert len(called) >= EXAMPLES * len(results) // 2
    # Signed in, sites are made and hand edits stored; nobody else gets further than the door.
    assert (201 in called) is signed_in
    assert (401 in called) is not signed_in


def _own_objects(case: Any, run: Run, version: Version) -> None:
    """Half of the calls name things that exist."""
    ours = {"site_id": str(version.site_id), "run_id": str(run.pk), "number": 1}
    for name in case.path_parameters or {}:
        if name in ours and len(str(case.path_parameters[name])) % 2 == 0:
            case.path_parameters[name] = ours[name]


def _run(operation: Any, examine: Any) -> None:
    test = given(case=operation.as_strategy())(lambda case: examine(case))
    test = hypothesis_settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(seed(20)(test))
    test()


@pytest.mark.django_db
def test_the_description_names_every_operation_and_how_to_sign_in() -> None:
    described = Client().get("/api/openapi.json").json()
    assert described["openapi"].startswith("3.")
    assert set(described["paths"]) == set(ninja_api.get_openapi_schema()["paths"])
    schemes = described["components"]["securitySchemes"].values()
    assert [(scheme["type"], scheme["scheme"]) for scheme in schemes] == [("http", "bearer")]


@pytest.mark.django_db
def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_inline() -> None:
    page = Client().get("/api/docs").content.decode()
    assert "https://" not in page
    assert "<style" not in page
    scripts = [part.split(">", 1)[0] for part in page.split("<script")[1:]]
    assert all("src=" in script or "application/json" in script for script in scripts)


@pytest.mark.django_db(transaction=True)
def test_the_page_shows_every_operation_in_a_browser(
    page: Any, live_server: Any, console_errors: list[str]
) -> None:
    page.goto(f"{live_server.url}/api/docs")
    page.wait_for_selector(".opblock")
    operations = sum(len(methods) for methods in ninja_api.get_openapi_schema()["paths"].values())
    assert page.locator(".opblock").count() == operations
    assert page.locator(".opblock-summary-path", has_text="/api/me").count() == 1
