"""An emulator of its own for every test module's worth of HTTP."""

from collections.abc import Iterator

import pytest

from emulators.ai.testing import EmulatorClient, emulator


@pytest.fixture(scope="session")
def running_emulator() -> Iterator[EmulatorClient]:
    with emulator() as client:
        yield client


@pytest.fixture
def ai(running_emulator: EmulatorClient) -> Iterator[EmulatorClient]:
    """A running emulator, flat out, with nothing remembered."""
    running_emulator.reset()
    yield running_emulator
    running_emulator.reset()
