"""A person at the browser: signed in, with a site of known files open in the workspace."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from emulators.ai.testing import EmulatorClient
from tests.stack import ApiUser, Stack

_names = itertools.count(1)


@dataclass
class Desk:
    """The browser's page, and the same person's way into the API."""

    page: Any
    user: ApiUser
    stack: Stack

    def site(self, files: dict[str, str] | None = None) -> str:
        """The id of a new site; with `files`, they are its version 1."""
        made = self.user.post("/api/sites", json={"name": f"Site {next(_names)}"})
        site_id: str = made.json()["id"]
        if files:
            self.edit(site_id, files)
        return site_id

    def edit(self, site_id: str, files: dict[str, str]) -> dict[str, Any]:
        body = {"files": [{"path": path, "content": text} for path, text in files.items()]}
        made = self.user.post(f"/api/sites/{site_id}/versions", json=body)
        assert made.status_code == 201, made.text
        version: dict[str, Any] = made.json()
        return version

    def open(self, site_id: str) -> None:
        self.page.goto(f"{self.stack.base_url}/sites/{site_id}/")

    def stored_frame(self) -> Any:
        """The frame that shows the stored version, loaded."""
        element = self.page.wait_for_selector("[data-stored-frame]", state="attached")
        frame = element.content_frame()
        frame.wait_for_load_state("load")
        return frame

    def send(self, prompt: str) -> None:
        self.page.fill("#prompt", prompt)
        self.page.click("[data-send]")

    def wait_ended(self, state: str = "succeeded", seconds: int = 60) -> Any:
        """The last turn of the conversation once it has ended in `state`."""
        return self.page.wait_for_selector(
            f".turn[data-state={state}]:last-of-type", timeout=seconds * 1000
        )


@pytest.fixture
def desk(page: Any, stack: Stack) -> Desk:
    user = stack.sign_up()
    page.goto(f"{stack.base_url}/accounts/login/")
    page.fill("input[name=login]", user.email)
    page.fill("input[name=password]", user.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard/")
    return Desk(page, user, stack)


@pytest.fixture
def quiet(console_errors: list[str]) -> Callable[[], None]:
    """Forgets what was logged: hostile pages fill the console by being stopped."""
    return console_errors.clear


@pytest.fixture
def ai(stack: Stack) -> Iterator[EmulatorClient]:
    """The control of the stack's emulated providers, reset before and after."""
    client = EmulatorClient(stack.emulator_url)
    client.reset()
    yield client
    client.reset()
    client.close()
