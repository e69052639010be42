"""A provider whose account is out, and a route whose model is gone: shown, skipped, and back."""

from __future__ import annotations

import pytest
from django.utils import timezone

from models_catalog.models import Provider, Route
from models_catalog.selectors import Availability, availability, model_get, models_listed, routes_of
from models_catalog.services import provider_outage_begin, provider_outage_end

pytestmark = pytest.mark.django_db


def gone(*slugs: str) -> None:
    Route.objects.filter(model__slug__in=slugs).update(gone_since=timezone.now())


def test_an_outage_begins_once_and_ends_once(catalogue, keys):
    assert provider_outage_begin("qwen", "payment_required") is True
    assert provider_outage_begin("qwen", "unauthorized") is False
    assert Provider.objects.get(slug="qwen").outage_code == "payment_required"
    assert provider_outage_end("qwen") is True
    assert provider_outage_end("qwen") is False
    assert provider_outage_begin("nobody", "unauthorized") is False
    found = Provider.objects.get(slug="qwen")
    assert (found.outage_since, found.outage_code) == (None, "")


def test_an_outage_leaves_the_other_route_and_says_why_where_there_is_none(catalogue, keys):
    provider_outage_begin("qwen", "unauthorized")
    assert [one.provider_slug for one in routes_of(model_get("qwen-turbo"))] == ["openrouter"]
    assert availability(model_get("qwen-32b-chat")) == Availability(
        False, "Qwen does not serve us at the moment; our staff know"
    )


def test_a_gone_model_is_unavailable_with_the_reason_and_what_to_take_instead(catalogue, keys):
    gone("claude-3-opus")
    assert routes_of(model_get("claude-3-opus")) == []
    assert availability(model_get("claude-3-opus")) == Availability(
        False, "OpenRouter no longer offers it; choose GPT-4 Turbo instead"
    )
    gone("gpt-4-turbo", "claude-3-sonnet")
    assert availability(model_get("claude-3-opus")).reason.endswith("choose Qwen VL Max instead")


def test_a_model_gone_at_one_provider_goes_on_through_the_other(catalogue, keys):
    Route.objects.filter(model__slug="qwen-turbo", provider__slug="qwen").update(
        gone_since=timezone.now()
    )
    assert availability(model_get("qwen-turbo")).available
    assert [one.provider_slug for one in routes_of(model_get("qwen-turbo"))] == ["openrouter"]


def test_a_gone_model_without_any_other_says_only_that(catalogue, keys):
    Route.objects.update(gone_since=timezone.now())
    reasons = {row.availability.reason for row in models_listed()}
    assert reasons == {"OpenRouter no longer offers it", "Qwen no longer offers it"}


def test_two_gone_models_that_name_each_other_are_no_endless_story(catalogue, keys):
    # Claude 3 Haiku falls back to Qwen VL Plus, whose last resort it is.
    gone("claude-3-haiku", "qwen-vl-plus", "qwen-vl-max")
    assert availability(model_get("qwen-vl-plus")).reason == "Qwen no longer offers it"
    assert availability(model_get("claude-3-haiku")).reason == "OpenRouter no longer offers it"
