"""A seeded catalogue, and an environment with two keys."""

from __future__ import annotations

import pytest

from tests.catalogue import catalogue_seed

NO_KEYS = dict.fromkeys(
    ("OPENROUTER_API_KEY", "QWEN_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"), ""
)
NO_URLS = {name.replace("_API_KEY", "_BASE_URL"): "" for name in NO_KEYS}


@pytest.fixture(autouse=True)
def bare_environment(settings):
    settings.PROVIDER_KEYS = dict(NO_KEYS)
    settings.PROVIDER_BASE_URLS = dict(NO_URLS)
    settings.AI_EMULATOR_URL = ""
    settings.SITES_DOMAIN = "sites.example"
    settings.PROXY_HOST = ""
    settings.PROXY_USER = settings.PROXY_PASSWORD = ""


@pytest.fixture
def catalogue(db):
    return catalogue_seed()


@pytest.fixture
def keys(settings):
    settings.PROVIDER_KEYS = NO_KEYS | {
        "OPENROUTER_API_KEY": "canary-openrouter",
        "QWEN_API_KEY": "canary-qwen",
    }
