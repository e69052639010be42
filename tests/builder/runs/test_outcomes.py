"""The published table: how a run ends, what it says, what it costs."""

from decimal import Decimal

import pytest
from django.utils import timezone

from billing.models import Hold
from billing.selectors import standing_of
from billing.services.grants import grant_create
from billing.services.reconcile import reconcile
from builder.models import Run
from builder.selectors.runs import run_as_dict
from builder.selectors.sites import version_files
from builder.services import execution
from builder.services.sites import site_create
from builder.token_count import estimate_tokens
from models_catalog.models import AIModel
from models_catalog.pricing import charge, price_of
from models_catalog.selectors import models_listed

pytestmark = pytest.mark.django_db(transaction=True)

FREE = 10_000


def available(user) -> int:
    return standing_of(user, timezone.now()).available


def assert_free(run: Run, code: str) -> None:
    """A failure that cost nothing, says so, and has given every token back."""
    assert (run.state, run.error_code, run.charged) == ("failed", code, 0)
    assert "ot charged" in run.error_message
    assert available(run.owner) == FREE
    assert run.hold.state == Hold.State.RELEASED
    assert {attempt.charged for attempt in run.attempts.all()} == {0}
    assert reconcile() == []


def test_a_usable_answer_becomes_a_version_and_is_charged_by_reported_usage(finish, ai, alice):
    run = finish()
    assert run.state == Run.State.SUCCEEDED
    assert "Flour" in version_files(run.version)["index.html"].decode()
    expected = charge(price_of(run), input_tokens=run.input_tokens, output_tokens=run.output_tokens)
    assert run.charged == expected > 0
    assert run.charged <= run.ceiling
    assert available(alice) == FREE - expected
    assert run_as_dict(run)["receipt"] == {
        "charged": expected,
        "pockets": [{"kind": "free_monthly", "amount": expected}],
        "estimated": False,
        "attempts": [
            {
                "model": "claude-3-haiku",
                "provider": "openrouter",
                "outcome": "succeeded",
                "charged": expected,
            }
        ],
    }
    attempt = run.attempts.get()
    assert (attempt.input_tokens, attempt.output_tokens) == (run.input_tokens, run.output_tokens)
    assert attempt.generation_id.startswith("gen-")
    assert attempt.cost_usd > 0
    assert ai.calls() == 1
    assert reconcile() == []


@pytest.mark.parametrize("shape", ["null_then_real", "repeated", "on_finish"])
def test_the_last_usage_that_is_not_null_wins_and_is_never_summed(finish, ai, alice, shape):
    # Plenty, so that both answers have the same room and the same instructions.
    grant_create(
        user_id=alice.pk,
        kind="purchased",
        amount=1_000_000,
        source="test:plenty",
        effective_at=timezone.now(),
    )
    plain = finish()
    ai.rule({"usage": shape})
    odd = finish(site=site_create(owner=alice, name="Another"))
    assert (odd.input_tokens, odd.output_tokens, odd.charged) == (
        plain.input_tokens,
        plain.output_tokens,
        plain.charged,
    )


def test_a_missing_usage_is_estimated_and_flagged(finish, ai):
    ai.rule({"usage": "missing"})
    run = finish()
    assert run.state == Run.State.SUCCEEDED
    assert run.usage_estimated
    assert run.output_tokens == estimate_tokens(run.text.text)
    assert run_as_dict(run)["receipt"]["estimated"] is True


def test_a_usage_beyond_the_ceiling_is_our_loss(finish, ai):
    ai.rule({"usage": "huge"})
    run = finish()
    assert run.state == Run.State.SUCCEEDED
    assert run.charged <= run.ceiling


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ({"status": 400}, "bad_request"),
        ({"status": 401}, "unauthorized"),
        ({"status": 402}, "payment_required"),
        ({"status": 413}, "context_too_long"),
        ({"status": 429, "retry_after": 2}, "rate_limited"),
        ({"status": 500}, "server_error"),
        ({"status": 503}, "unavailable"),
        ({"html": True, "status": 502}, None),
        ({"hang_up": True}, None),
        ({"empty": True}, "empty"),
        ({"reply_as": "prose"}, "unparseable"),
        ({"content_filter": True}, "refused"),
        ({"error": {"after_chars": 40}}, None),
        ({"cut_after_chars": 40}, "cut"),
        ({"cut_after_chars": 40, "cut_how": "eof"}, "cut"),
        ({"length_after_chars": 60}, "truncated"),
    ],
)
def test_a_failure_costs_nothing(finish, ai, behaviour, code):
    ai.rule(behaviour)
    run = finish()
    assert_free(run, code or run.error_code)
    assert run.version is None


def test_a_finished_answer_that_forgot_to_close_its_fence_is_whole(finish, ai):
    ai.rule({"reply": "index.html\n```html\n<h1>Flour</h1>"})
    run = finish()
    assert run.state == Run.State.SUCCEEDED
    assert version_files(run.version)["index.html"].strip() == b"<h1>Flour</h1>"


def test_an_edit_that_matches_nothing_changes_nothing_and_is_free(finish, ai):
    first = finish()
    ai.rule({"reply_as": "edit_without_match"})
    run = finish("Make the heading blue")
    assert (run.state, run.error_code, run.charged) == ("failed", "edit_matched_nothing", 0)
    assert first.site.versions.count() == 1


def test_a_follow_up_changes_the_site_and_keeps_the_old_version(finish, ai):
    first = finish()
    second = finish("Change the background colour to #123456")
    assert second.state == Run.State.SUCCEEDED, second.error_message
    assert (second.version.number, second.version.parent) == (2, first.version)
    assert version_files(first.version) != version_files(second.version)
    assert any(b"#123456" in content for content in version_files(second.version).values())


def test_whole_files_of_a_broken_off_answer_are_kept_free_of_charge(finish, ai):
    page = "index.html\n```html\n<!doctype html><h1>Flour</h1>\n```\n\nstyle.css\n```css\nbody{"
    ai.rule({"reply": page + "x" * 400, "cut_after_chars": len(page) + 10})
    run = finish()
    assert (run.state, run.error_code, run.charged) == ("failed", "cut", 0)
    assert list(version_files(run.version)) == ["index.html"]
    assert any("kept as version 1" in note for note in run.notes)
    assert any("style.css" in note for note in run.notes)


def test_a_cut_length_with_whole_files_is_kept_and_charged(finish, ai):
    page = "index.html\n```html\n<!doctype html><h1>Flour</h1>\n```\n\nstyle.css\n```css\nbody{"
    ai.rule({"reply": page + "x" * 400, "length_after_chars": len(page) + 10})
    run = finish()
    assert run.state == Run.State.SUCCEEDED
    assert run.charged > 0
    assert list(version_files(run.version)) == ["index.html"]


def test_an_answer_without_a_start_page_is_free(finish, ai):
    ai.rule({"reply": "about.html\n```html\n<h1>About</h1>\n```\n"})
    assert_free(finish(), "no_start_page")


def test_a_nul_in_the_answer_is_stored_as_a_replacement_character(finish, ai):
    ai.rule({"reply": "index.html\n```html\n<h1>a\x00b</h1>\n```\n"})
    run = finish()
    assert run.state == Run.State.SUCCEEDED
    assert "a�b" in version_files(run.version)["index.html"].decode()


def test_the_price_quoted_is_the_price_paid(start, ai):
    run = start()
    AIModel.objects.filter(slug="claude-3-haiku").update(token_cost=1000, input_weight=Decimal(1))
    execution.run_execute(run.pk)
    run.refresh_from_db()
    assert run.charged == charge(
        price_of(run), input_tokens=run.input_tokens, output_tokens=run.output_tokens
    )
    assert run.token_cost == 3


def test_every_model_answers_at_its_own_price(finish, alice):
    seen = {}
    for row in models_listed():
        if not row.availability.available:
            continue
        run = finish(model=row.model.slug, site=site_create(owner=alice, name=row.model.name))
        assert run.state == Run.State.SUCCEEDED, (row.model.slug, run.error_message, run.notes)
        seen[row.model.slug] = run.charged == charge(
            row.price, input_tokens=run.input_tokens, output_tokens=run.output_tokens
        )
        # The next model starts from a full pocket: this one's tokens are bought back.
        grant_create(
            user_id=run.owner_id,
            kind="purchased",
            amount=run.charged,
            source=f"test:{run.pk}",
            effective_at=timezone.now(),
        )
    assert len(seen) == 19
    assert all(seen.values())
