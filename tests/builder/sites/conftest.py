"""A person, somebody else, and a site."""

from __future__ import annotations

import pytest

from accounts.models import User
from builder.models import Site
from builder.services.sites import site_create


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com", "correct-horse-battery-7")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob@example.com", "correct-horse-battery-7")


@pytest.fixture
def site(alice: User) -> Site:
    return site_create(owner=alice, name="Bakery on Main")
