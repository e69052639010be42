"""The catalogue's admin: what staff see, may do, are refused, and that it is logged."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.models import User
from models_catalog.models import AIModel, Fallback, Provider, Route
from models_catalog.selectors import availability, model_get

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client, catalogue, keys):
    client.force_login(User.objects.create_superuser("staff@example.com", "a long password"))
    return client


def address(row: AIModel | Provider | Route) -> str:
    return reverse(f"admin:models_catalog_{row._meta.model_name}_change", args=[row.pk])


def form_of(client, row: AIModel | Provider) -> dict[str, Any]:
    """What the row's page would send if nothing were touched."""
    context = client.get(address(row)).context
    form = context["adminform"].form
    data = {name: form.initial.get(name, "") for name in form.fields}
    for inline in context["inline_admin_formsets"]:
        formset = inline.formset
        management = formset.management_form
        data |= {
            management.add_prefix(name): management.initial[name] for name in management.fields
        }
        for sub in formset.forms:
            for name, field in sub.fields.items():
                data[sub.add_prefix(name)] = sub.get_initial_for_field(field, name)
    return {
        name: getattr(value, "pk", value)
        for name, value in data.items()
        if value is not None and value is not False
    }


def with_fallbacks(data: dict[str, Any], *models: AIModel) -> dict[str, Any]:
    """The same form with these fallbacks added."""
    start = int(data["fallbacks-TOTAL_FORMS"])
    data = {**data, "fallbacks-TOTAL_FORMS": start + len(models)}
    for number, model in enumerate(models, start=start):
        data[f"fallbacks-{number}-fallback"] = model.pk
        data[f"fallbacks-{number}-position"] = number + 1
    return data


def refusals(response) -> str:
    context = response.context
    assert context is not None, "it was saved"
    found = [*context["adminform"].form.errors.values()]
    for inline in context["inline_admin_formsets"]:
        found += [inline.formset.non_form_errors(), *inline.formset.errors]
    return " ".join(str(one) for one in found)


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("provider", "?q=qwen&enabled__exact=1&adapter__exact=dashscope&use_proxy__exact=0"),
        ("aimodel", "?q=claude&vision__exact=1&maker=Anthropic&billing_unit__exact=per_token"),
        ("aimodel", "?routes__provider__id__exact={openrouter}&enabled__exact=1"),
        ("route", "?q=gpt&enabled__exact=1"),
    ],
)
def test_lists_can_be_filtered_and_searched(staff, page, query):
    query = query.format(openrouter=Provider.objects.get(slug="openrouter").pk)
    response = staff.get(reverse(f"admin:models_catalog_{page}_changelist") + query)
    assert response.status_code == 200
    assert response.context["cl"].result_count > 0


def test_lists_show_whether_a_key_is_set_and_never_the_key(staff):
    text = staff.get(reverse("admin:models_catalog_provider_changelist")).content.decode()
    assert "missing: OPENAI_API_KEY" in text
    assert "temporarily disabled: use via OpenRouter" in text
    assert "canary" not in text


def test_saving_a_page_untouched_changes_nothing(staff):
    rows: list[Provider | AIModel] = [*Provider.objects.all(), *AIModel.objects.all()[:4]]
    for row in rows:
        response = staff.post(address(row), form_of(staff, row))
        assert response.status_code == 302, refusals(response)
    assert (Provider.objects.count(), AIModel.objects.count()) == (4, 19)
    assert (Route.objects.count(), Fallback.objects.count()) == (28, 42)


def test_a_new_price_is_logged_with_the_old_one(staff):
    model = AIModel.objects.get(slug="gpt-4")
    response = staff.post(address(model), form_of(staff, model) | {"token_cost": 9})
    assert response.status_code == 302
    model.refresh_from_db()
    assert model.token_cost == 9
    assert "token_cost: 8 → 9" in LogEntry.objects.latest("pk").get_change_message()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"token_cost": 0}, "greater than or equal to 1"),
        ({"token_cost": -5}, "greater than or equal to"),
        ({"token_cost": "much"}, "whole number"),
        ({"input_weight": "1.5"}, "less than or equal to 1"),
        ({"input_weight": "-0.1"}, "greater than or equal to 0"),
        ({"input_weight": "NaN"}, "number"),
        ({"max_output_tokens": 0}, "at least 1 token"),
        ({"max_output_tokens": 300_000}, "must be larger than the longest answer"),
        ({"enabled": ""}, "Say why it is switched off"),
        ({"name": ""}, "required"),
    ],
)
def test_an_impossible_row_is_refused_with_the_reason(staff, change, why):
    model = AIModel.objects.get(slug="claude-3-opus")
    before = AIModel.objects.values().get(pk=model.pk)
    response = staff.post(address(model), form_of(staff, model) | change)
    assert response.status_code == 200
    assert why in refusals(response)
    assert AIModel.objects.values().get(pk=model.pk) == before


def test_a_loop_of_two_is_refused_and_named(staff):
    haiku, opus = (AIModel.objects.get(slug=f"claude-3-{name}") for name in ("haiku", "opus"))
    # Opus falls back to Sonnet, and Sonnet to Haiku.
    response = staff.post(address(haiku), with_fallbacks(form_of(staff, haiku), opus))
    assert response.status_code == 200
    text = refusals(response)
    assert "would lead in a circle" in text
    assert "Claude 3 Opus" in text
    assert "Claude 3 Haiku" in text
    assert not Fallback.objects.filter(model=haiku, fallback=opus).exists()


def test_a_long_loop_is_refused(staff):
    AIModel.objects.update(vision=True)
    Fallback.objects.all().delete()
    chain = list(AIModel.objects.all())
    Fallback.objects.bulk_create(
        Fallback(model=one, fallback=two) for one, two in itertools.pairwise(chain)
    )
    last = chain[-1]
    response = staff.post(address(last), with_fallbacks(form_of(staff, last), chain[0]))
    assert response.status_code == 200
    assert refusals(response).count("→") == len(chain)
    response = staff.post(address(chain[0]), with_fallbacks(form_of(staff, chain[0]), last))
    assert response.status_code == 302, "a shortcut down the chain is no loop"


def test_a_model_can_not_be_its_own_fallback(staff):
    model = AIModel.objects.get(slug="qwen-vl-max")
    response = staff.post(address(model), with_fallbacks(form_of(staff, model), model))
    assert response.status_code == 200
    assert not model.fallbacks.filter(fallback=model).exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        Fallback.objects.create(model=model, fallback=model, last_resort=True)


def test_a_last_resort_may_lead_back_but_there_is_only_one(staff):
    haiku, sonnet, opus = (
        AIModel.objects.get(slug=f"claude-3-{name}") for name in ("haiku", "sonnet", "opus")
    )
    data = with_fallbacks(form_of(staff, haiku), sonnet, opus)
    number = int(data["fallbacks-TOTAL_FORMS"]) - 1
    refused = staff.post(address(haiku), data | {f"fallbacks-{number}-last_resort": "on"})
    assert "lead in a circle" in refusals(refused), "Sonnet is an ordinary one, and leads back"
    both = {f"fallbacks-{number - 1}-last_resort": "on", f"fallbacks-{number}-last_resort": "on"}
    assert "one last resort at most" in refusals(staff.post(address(haiku), data | both))

    data = with_fallbacks(form_of(staff, haiku), opus)
    done = staff.post(address(haiku), data | {f"fallbacks-{number - 1}-last_resort": "on"})
    assert done.status_code == 302, refusals(done)
    assert haiku.fallbacks.get(last_resort=True).fallback == opus


def test_vision_falls_back_to_vision_only(staff):
    plus, turbo = (AIModel.objects.get(slug=f"qwen-{name}") for name in ("vl-plus", "turbo"))
    turbo.fallbacks.all().delete()
    response = staff.post(address(plus), with_fallbacks(form_of(staff, plus), turbo))
    assert response.status_code == 200
    assert "its fallbacks must too: Qwen Turbo does not" in refusals(response)


def test_a_fallback_of_vision_models_can_not_lose_its_sight(staff):
    plus = AIModel.objects.get(slug="qwen-vl-plus")
    response = staff.post(address(plus), form_of(staff, plus) | {"vision": ""})
    assert response.status_code == 200
    assert "Qwen VL Max" in refusals(response)
    plus.refresh_from_db()
    assert plus.vision is True


def test_a_model_with_blind_fallbacks_can_not_gain_sight(staff):
    model = AIModel.objects.get(slug="gemini-pro")
    response = staff.post(address(model), form_of(staff, model) | {"vision": "on"})
    assert response.status_code == 200
    assert "its fallbacks must too" in refusals(response)


def run_action(client, page: str, rows: list[Any], **extra: str):
    return client.post(
        reverse(f"admin:models_catalog_{page}_changelist"),
        {"action": "switch_off", "_selected_action": [row.pk for row in rows], **extra},
    )


def test_switching_off_asks_for_the_reason_first(staff):
    rows = list(AIModel.objects.filter(maker="Meta"))
    page = run_action(staff, "aimodel", rows)
    assert page.status_code == 200
    assert "Llama 3 70B" in page.content.decode()
    assert AIModel.objects.filter(enabled=False).count() == 0

    empty = run_action(staff, "aimodel", rows, confirmed="1", reason="  ")
    assert empty.status_code == 422
    assert AIModel.objects.filter(enabled=False).count() == 0

    done = run_action(staff, "aimodel", rows, confirmed="1", reason="being checked")
    assert done.status_code == 302
    off = AIModel.objects.filter(enabled=False)
    assert {(row.slug, row.disabled_reason) for row in off} == {
        ("llama-3-70b", "being checked"),
        ("llama-3-8b", "being checked"),
    }
    assert availability(model_get("llama-3-8b")).reason == "being checked"
    logged = LogEntry.objects.values_list("change_message", flat=True)
    assert list(logged) == ["Switched off: being checked"] * 2


def test_switching_on_forgets_the_reason(staff):
    openai = Provider.objects.get(slug="openai")
    response = staff.post(
        reverse("admin:models_catalog_provider_changelist"),
        {"action": "switch_on", "_selected_action": [openai.pk]},
    )
    assert response.status_code == 302
    openai.refresh_from_db()
    assert (openai.enabled, openai.disabled_reason) == (True, "")
    assert LogEntry.objects.get().change_message == "Switched on"


def test_routes_can_be_switched_off_too(staff):
    route = Route.objects.get(model__slug="gpt-4", provider__slug="openrouter")
    run_action(staff, "route", [route], confirmed="1", reason="gone from the list")
    assert availability(model_get("gpt-4")).reason == "gone from the list"


def test_shipped_rows_are_switched_off_and_not_deleted(staff):
    for row in (AIModel.objects.get(slug="gpt-4"), Provider.objects.get(slug="qwen")):
        url = reverse(f"admin:models_catalog_{row._meta.model_name}_delete", args=[row.pk])
        assert staff.post(url, {"post": "yes"}).status_code == 403
    own = AIModel.objects.create(
        slug="typo",
        name="Typo",
        maker="Us",
        tagline="-",
        token_cost=1,
        context_window=10,
        max_output_tokens=5,
    )
    url = reverse("admin:models_catalog_aimodel_delete", args=[own.pk])
    assert staff.post(url, {"post": "yes"}).status_code == 302
    assert not AIModel.objects.filter(slug="typo").exists()


def test_a_model_of_their_own_can_be_added_with_its_route(staff):
    provider = Provider.objects.get(slug="openrouter")
    response = staff.post(
        reverse("admin:models_catalog_aimodel_add"),
        {
            "name": "New One",
            "slug": "new-one",
            "maker": "Us",
            "tagline": "Fresh",
            "position": 1,
            "token_cost": 4,
            "billing_unit": "per_token",
            "input_weight": "0.2",
            "context_window": 8000,
            "max_output_tokens": 2000,
            "enabled": "on",
            "routes-TOTAL_FORMS": 1,
            "routes-INITIAL_FORMS": 0,
            "routes-0-provider": provider.pk,
            "routes-0-provider_model_id": "us/new-one",
            "routes-0-priority": 10,
            "routes-0-enabled": "on",
            "fallbacks-TOTAL_FORMS": 0,
            "fallbacks-INITIAL_FORMS": 0,
        },
    )
    assert response.status_code == 302, refusals(response)
    assert availability(model_get("new-one")).available


def test_a_key_variable_must_be_a_key(staff):
    provider = Provider.objects.get(slug="openai")
    data = form_of(staff, provider) | {"key_variable": "STRIPE_SECRET_KEY"}
    response = staff.post(address(provider), data)
    assert response.status_code == 200
    provider.refresh_from_db()
    assert provider.key_variable == "OPENAI_API_KEY"


def test_outside_debug_a_key_is_never_sent_in_the_clear(staff, settings):
    provider = Provider.objects.get(slug="openai")
    data = form_of(staff, provider) | {"base_url": "http://api.openai.com/v1"}
    settings.DEBUG = False
    assert "Use https" in refusals(staff.post(address(provider), data))
