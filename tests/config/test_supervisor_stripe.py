"""The emulated Stripe that script/server starts where there is no key."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import requests

from script.supervisor.plan import ROOT, read_plan
from script.supervisor.ports import InternalPorts
from script.supervisor.stripe_emulator import EmulatedStripe, wait_until_up


def emulated(state_dir: Path) -> EmulatedStripe:
    return EmulatedStripe(state_dir, InternalPorts(state_dir / "ports.json"))


def test_its_key_and_secret_are_made_once_and_are_what_dj_stripe_takes(tmp_path: Path) -> None:
    first, second = emulated(tmp_path), emulated(tmp_path)
    assert first.environment == second.environment
    assert re.fullmatch(r"sk_test_[a-zA-Z0-9]{24,}", first.secret_key)
    assert re.fullmatch(r"whsec_[a-zA-Z0-9]{32,}", first.webhook_secret)
    assert first.environment["STRIPE_API_BASE"] == first.url
    (tmp_path / "other").mkdir()
    assert emulated(tmp_path / "other").secret_key != first.secret_key


def test_its_secret_is_not_in_the_process_list(tmp_path: Path) -> None:
    service = emulated(tmp_path)
    assert service.webhook_secret not in " ".join(service.command())


def test_it_is_waited_for_and_takes_the_key(tmp_path: Path) -> None:
    service = emulated(tmp_path)
    with subprocess.Popen(service.command(), cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            assert wait_until_up(service.url)
            headers = {"Authorization": f"Bearer {service.secret_key}"}
            answer = requests.get(f"{service.url}/v1/account", headers=headers, timeout=30)
            assert answer.json()["object"] == "account"
        finally:
            process.terminate()
            assert process.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, True),
        ({"DEBUG": "0", "SECRET_KEY": "x" * 50}, False),
        ({"STRIPE_SECRET_KEY": f"sk_test_{'a' * 24}"}, False),
        ({"STRIPE_API_BASE": "http://127.0.0.1:1"}, False),
    ],
)
def test_it_is_started_only_in_development_without_a_key(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], wanted: bool
) -> None:
    for name in ("STRIPE_SECRET_KEY", "STRIPE_API_BASE", "DEBUG", "PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ENV_FILE", "/dev/null")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert read_plan().stripe_emulator_wanted is wanted
