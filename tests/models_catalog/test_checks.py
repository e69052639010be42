"""System checks of the catalogue: silent when all is well, plain when not."""

from __future__ import annotations

import pytest

from models_catalog.checks import (
    catalogue_can_serve,
    proxy_is_a_bare_host,
    some_provider_has_a_key,
)
from models_catalog.models import AIModel, Fallback


def ids(messages) -> list[str]:
    return [message.id for message in messages]


@pytest.mark.parametrize("host", ["http://127.0.0.1", "user@host", "host/path"])
def test_a_proxy_host_with_more_than_the_host_is_an_error(settings, host):
    settings.PROXY_HOST = host
    assert ids(proxy_is_a_bare_host(None)) == ["models_catalog.E001"]
    settings.PROXY_HOST = "127.0.0.1"
    assert ids(proxy_is_a_bare_host(None)) == []


def test_no_key_outside_debug_is_a_warning(settings):
    settings.DEBUG = False
    assert ids(some_provider_has_a_key(None)) == ["models_catalog.W001"]
    settings.PROVIDER_KEYS = settings.PROVIDER_KEYS | {"QWEN_API_KEY": "k"}
    assert ids(some_provider_has_a_key(None)) == []


def test_without_keys_in_debug_the_samples_do(settings):
    settings.DEBUG = True
    assert ids(some_provider_has_a_key(None)) == []


def test_a_sound_catalogue_passes(catalogue, keys):
    assert ids(catalogue_can_serve(None, databases=["default"])) == []
    assert ids(catalogue_can_serve(None, databases=None)) == []


def test_an_empty_catalogue_is_not_judged(db):
    assert ids(catalogue_can_serve(None, databases=["default"])) == []


def test_a_catalogue_that_can_serve_nothing_is_told_with_the_reasons(catalogue, settings):
    settings.DEBUG = False
    [message] = catalogue_can_serve(None, databases=["default"])
    assert message.id == "models_catalog.W002"
    assert "no key is set for Qwen" in str(message.hint)


def test_a_loop_and_a_blind_fallback_are_told(catalogue, keys):
    turbo, plus = (AIModel.objects.get(slug=f"qwen-{name}") for name in ("turbo", "vl-plus"))
    Fallback.objects.create(model=plus, fallback=turbo)
    found = catalogue_can_serve(None, databases=["default"])
    assert ids(found) == ["models_catalog.W003", "models_catalog.W004"]
    assert "Qwen Turbo" in found[0].msg
