"""A running emulator, and a shop in it that Stripe's own client set up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulators.stripe.testing import StripeControl, stripe_emulator
from tests.emulators.stripe.shop import Shop


@pytest.fixture(scope="session")
def running_stripe() -> Iterator[StripeControl]:
    with stripe_emulator() as control:
        yield control


@pytest.fixture
def emulated(running_stripe: StripeControl) -> StripeControl:
    """The emulator with nothing in it."""
    running_stripe.reset()
    return running_stripe


@pytest.fixture
def shop(emulated: StripeControl) -> Shop:
    """A customer, a package for $5 and a plan for $10 a month."""
    return Shop(emulated)
