"""Request ids: taken over when sane, made otherwise, sent back, logged, carried into tasks."""

from __future__ import annotations

import logging
import re
from types import SimpleNamespace

import pytest
import structlog
from celery.signals import before_task_publish, task_postrun, task_prerun
from django.test import Client


def test_a_sane_request_id_is_taken_over(client: Client) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": "trace-1234.abc"})
    assert answer["X-Request-ID"] == "trace-1234.abc"


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "a b c d e f g h", "<script>alert()"])
def test_any_other_request_id_is_replaced(client: Client, given: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": given})
    assert re.fullmatch(r"[0-9a-f]{32}", answer["X-Request-ID"])


def test_each_request_is_one_line_without_its_query(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="sitewright.request"):
        client.post("/healthz?canary=1")
    (record,) = [r for r in caplog.records if r.name == "sitewright.request"]
    facts = {name: getattr(record, name) for name in ("method", "path", "status")}
    assert facts == {"method": "POST", "path": "/healthz", "status": 405}
    assert "canary" not in str(record.__dict__)


def test_health_checks_that_are_green_are_not_logged(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="sitewright.request"):
        client.get("/healthz")
    assert [r for r in caplog.records if r.name == "sitewright.request"] == []


def test_nothing_of_one_request_is_left_for_the_next(client: Client) -> None:
    client.get("/healthz", headers={"X-Request-ID": "trace-1234"})
    assert "request_id" not in structlog.contextvars.get_contextvars()


def test_a_task_carries_the_id_of_the_request_that_sent_it() -> None:
    headers: dict[str, str] = {}
    with structlog.contextvars.bound_contextvars(request_id="trace-1234"):
        before_task_publish.send(sender="a.task", headers=headers)
    assert headers == {"request_id": "trace-1234"}
    task = SimpleNamespace(request=SimpleNamespace(**headers))
    task_prerun.send(sender="a.task", task_id="task-1", task=task)
    assert structlog.contextvars.get_contextvars() == {
        "task_id": "task-1",
        "request_id": "trace-1234",
    }
    task_postrun.send(sender="a.task", task_id="task-1", task=task)
    assert structlog.contextvars.get_contextvars() == {}
