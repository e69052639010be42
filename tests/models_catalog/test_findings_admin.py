"""What staff see of the findings, and the one click that settles each kind."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from models_catalog.models import AIModel, CatalogueFinding, Provider, Route
from models_catalog.selectors import availability, model_get, routes_of
from models_catalog.truth.comparing import Found
from models_catalog.truth.recording import LISTED_KINDS, findings_record

pytestmark = pytest.mark.django_db

LIST = "admin:models_catalog_cataloguefinding_changelist"
OPUS = "anthropic/claude-3-opus"


@pytest.fixture
def staff(client, catalogue, keys):
    client.force_login(User.objects.create_superuser("staff@example.com", "a long password"))
    return client


def opus() -> Route:
    return Route.objects.select_related("provider").get(provider_model_id=OPUS)


def finding(kind: str, *, about: str = OPUS, **detail: Any) -> CatalogueFinding:
    now = timezone.now()
    return CatalogueFinding.objects.create(
        kind=kind,
        provider=Provider.objects.get(slug="openrouter"),
        route=Route.objects.filter(provider_model_id=about).first(),
        provider_model_id=about,
        detail=detail,
        found_at=now,
        seen_at=now,
    )


def price() -> CatalogueFinding:
    return finding("price", before=["15", "75"], prices=["20", "80.5"])


def candidate(**detail: Any) -> CatalogueFinding:
    facts: dict[str, Any] = {
        "name": "Claude 3.5 Sonnet",
        "maker": "Anthropic",
        "vision": True,
        "context_window": 200_000,
        "max_output_tokens": 8_192,
        "prices": ["3", "15"],
        "token_cost": 2,
        "input_weight": "0.2",
    }
    return finding("candidate", about="anthropic/claude-3.5-sonnet", **(facts | detail))


def address(row: CatalogueFinding, verb: str) -> str:
    return reverse("admin:models_catalog_cataloguefinding_act", args=[row.pk, verb])


def do(client, row: CatalogueFinding, verb: str) -> CatalogueFinding:
    """Looks at what it says, does it, and gives the row as it is then."""
    page = client.get(address(row, verb))
    assert page.status_code == 200
    before = CatalogueFinding.objects.values().get(pk=row.pk)
    assert before == {**before, "resolved_at": None}
    assert client.post(address(row, verb)).status_code == 302
    row.refresh_from_db()
    return row


def test_the_list_shows_open_ones_and_the_index_counts_them(staff):
    price()
    candidate()
    finding("gone", about="openai/gpt-4")
    hidden = finding("gone", about="google/gemini-pro")
    CatalogueFinding.objects.filter(pk=hidden.pk).update(dismissed_at=timezone.now())
    over = finding("gone", about="qwen/qwen-turbo")
    CatalogueFinding.objects.filter(pk=over.pk).update(
        resolved_at=timezone.now(), resolution="no longer so"
    )

    def shown(query: str) -> int:
        return int(staff.get(reverse(LIST) + query).context["cl"].result_count)

    assert [shown(f"?state={name}") for name in ("dismissed", "resolved", "all")] == [1, 1, 5]
    assert (shown(""), shown("?kind__exact=gone"), shown("?q=sonnet")) == (3, 1, 1)
    text = staff.get(reverse(LIST)).content.decode()
    assert "Here: $15 in, $75 out. Listed: $20 in, $80.5 out." in text
    assert "Falls back to GPT-4 Turbo." in text
    assert "Compare with the providers now" in text
    index = staff.get(reverse("admin:index")).content.decode()
    assert "1 × price changed" in index
    assert "1 × no longer offered" in index
    assert "1 × new model" in index


def test_the_new_price_is_taken_and_logged(staff):
    row = do(staff, price(), "take-price")
    route = opus()
    assert [route.input_usd_per_million, route.output_usd_per_million] == [20, Decimal("80.5")]
    assert route.priced_at is not None
    assert row.resolution == "provider's price taken: $20 in, $80.5 out"
    assert AIModel.objects.get(slug="claude-3-opus").token_cost == 10
    of_route = LogEntry.objects.filter(content_type__model="route", object_id=str(route.pk))
    assert of_route.count() == 1


def test_a_route_follows_a_rename_and_is_in_use_again(staff):
    Route.objects.filter(pk=opus().pk).update(gone_since=timezone.now())
    new_id = "anthropic/claude-3-opus-20240229"
    row = finding("renamed", to=new_id, name="Anthropic: Claude 3 Opus", prices=["16", "76"])
    assert not availability(model_get("claude-3-opus")).available
    do(staff, row, "follow")
    [target] = routes_of(model_get("claude-3-opus"))
    assert [target.provider_model_id, target.output_usd_per_million] == [new_id, 76]


def test_following_a_rename_onto_a_route_that_is_there_is_refused(staff):
    route = opus()
    Route.objects.create(
        model=route.model, provider=route.provider, provider_model_id="anthropic/opus-2"
    )
    row = finding("renamed", to="anthropic/opus-2", name="Opus", prices=None)
    response = staff.post(address(row, "follow"), follow=True)
    assert "already has a route to anthropic/opus-2" in response.content.decode()
    row.refresh_from_db()
    assert (row.resolved_at, opus().pk) == (None, route.pk)


def test_a_candidate_becomes_a_model_that_is_off_and_covers_its_cost(staff):
    do(staff, candidate(), "add")
    model = model_get("claude-3-5-sonnet")
    assert (model.name, model.maker, model.vision) == ("Claude 3.5 Sonnet", "Anthropic", True)
    assert (model.enabled, model.token_cost, model.max_output_tokens) == (False, 2, 8_192)
    assert availability(model).reason == "new in the catalogue, not yet checked by our staff"
    [route] = model.routes.all()
    assert [route.provider_model_id, route.output_usd_per_million] == [
        "anthropic/claude-3.5-sonnet",
        15,
    ]
    model.full_clean()


def test_a_candidate_whose_list_says_little_and_whose_name_is_taken_is_added_all_the_same(staff):
    AIModel.objects.filter(slug="claude-3-opus").update(slug="claude-3-5-sonnet")
    bare = candidate(
        context_window=None, max_output_tokens=999_999_999, prices=None, token_cost=None
    )
    do(staff, bare, "add")
    model = model_get("claude-3-5-sonnet-2")
    assert (model.context_window, model.max_output_tokens) == (32_768, 32_767)
    assert [route.input_usd_per_million for route in model.routes.all()] == [None]
    model.full_clean()


def test_a_price_below_cost_is_raised(staff):
    row = finding(
        "below_cost", token_cost=10, earned=["20", "100"], cost=["15", "101"], least_token_cost=11
    )
    do(staff, row, "raise-price")
    assert AIModel.objects.get(slug="claude-3-opus").token_cost == 11
    row.refresh_from_db()
    assert row.resolution == "token_cost: 10 → 11"


def test_a_dismissed_gone_model_is_used_again_and_can_be_shown_again(staff):
    Route.objects.filter(pk=opus().pk).update(gone_since=timezone.now())
    row = finding("gone")
    do(staff, row, "dismiss")
    assert row.resolved_at is None
    assert availability(model_get("claude-3-opus")).available
    do(staff, row, "show-again")
    assert not availability(model_get("claude-3-opus")).available


def test_what_was_dismissed_is_shown_again_when_its_facts_change(staff):
    row = price()
    do(staff, row, "dismiss")
    provider, now = row.provider, timezone.now()
    for prices, dismissed in ((["20", "80.5"], True), (["21", "80.5"], False)):
        detail = {"before": ["15", "75"], "prices": prices}
        again = Found("price", OPUS, opus(), detail)
        assert findings_record(provider, [again], kinds=LISTED_KINDS, now=now) == []
        row.refresh_from_db()
        assert (row.dismissed_at is not None) is dismissed


def test_nothing_is_done_twice_or_about_what_is_over(staff):
    row = do(staff, price(), "take-price")
    Route.objects.filter(pk=opus().pk).update(input_usd_per_million=1)
    response = staff.post(address(row, "take-price"), follow=True)
    assert "This finding is over" in response.content.decode()
    assert opus().input_usd_per_million == 1
    assert staff.get(address(row, "take-price")).status_code == 302
    assert staff.post(address(row, "nonsense")).status_code == 302
    assert staff.get(address(price(), "follow")).status_code == 302
    assert staff.post(reverse("admin:models_catalog_cataloguefinding_act", args=[0, "x"])
                      ).status_code == 404  # fmt: skip


def test_a_route_changed_since_is_left_alone(staff):
    row = finding("renamed", to="x/y", name="Opus", prices=None)
    Route.objects.filter(pk=opus().pk).update(provider_model_id="staff/chose-this")
    response = staff.post(address(row, "follow"), follow=True)
    assert "The route was changed since" in response.content.decode()
    assert Route.objects.filter(provider_model_id="staff/chose-this").exists()


def test_actions_need_the_permission_on_what_they_change(client, catalogue, keys):
    person = User.objects.create_user("clerk@example.com", "a long password", is_staff=True)
    client.force_login(person)
    row = price()
    assert client.post(address(row, "take-price")).status_code == 403
    assert client.post(reverse("staff-catalogue-compare")).status_code == 403
    person.user_permissions.add(Permission.objects.get(codename="change_cataloguefinding"))
    assert client.post(address(row, "take-price")).status_code == 403
    assert client.post(address(row, "dismiss")).status_code == 302
    client.logout()
    for page in (address(row, "dismiss"), reverse("staff-catalogue-compare")):
        assert client.post(page).headers["Location"].startswith("/admin/login/")
    assert opus().input_usd_per_million == 15


def test_a_new_id_or_price_by_hand_forgets_what_was_known_of_the_old(staff):
    Route.objects.filter(pk=opus().pk).update(
        gone_since=timezone.now(), listed_name="Opus", priced_at=None
    )
    route = opus()
    page = reverse("admin:models_catalog_route_change", args=[route.pk])
    form = {
        "model": route.model_id,
        "provider": route.provider_id,
        "provider_model_id": "anthropic/claude-3-opus-new",
        "priority": 10,
        "enabled": "on",
        "input_usd_per_million": "15",
        "output_usd_per_million": "74",
        "request_options": "{}",
    }
    assert staff.post(page, form).status_code == 302
    route.refresh_from_db()
    assert (route.gone_since, route.listed_name) == (None, "")
    assert route.priced_at is not None
