"""What staff may add to the requests of a route."""

import pytest
from django.core.exceptions import ValidationError

from models_catalog.models import Route
from models_catalog.selectors import model_get, routes_of
from tests.catalogue import catalogue_seed

pytestmark = pytest.mark.django_db


@pytest.fixture
def route(settings) -> Route:
    settings.AI_EMULATOR_URL = "http://127.0.0.1:1"
    catalogue_seed()
    return Route.objects.get(provider_model_id="anthropic/claude-3-haiku")


def test_preferences_travel_with_the_route(route: Route) -> None:
    preferences = {"provider": {"data_collection": "deny"}}
    route.request_options = preferences
    route.full_clean()
    route.save()
    targets = routes_of(model_get("claude-3-haiku"))
    assert [target.request_options for target in targets] == [preferences]


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_an_empty_field_means_none(route: Route, nothing: object) -> None:
    route.request_options = nothing
    route.full_clean()
    assert route.request_options == {}


@pytest.mark.parametrize("odd", [["deny"], "deny", 7, True])
def test_what_can_not_be_merged_is_refused(route: Route, odd: object) -> None:
    route.request_options = odd
    with pytest.raises(ValidationError, match="JSON object"):
        route.full_clean()
