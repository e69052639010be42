"""A made-up person with sites, versions and runs, for screenshots. Uses the app's own services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True)
class Demo:
    """cookie, session: what makes a browser that person's. site_path: their first site."""

    cookie: str
    session: str
    site_path: str

    def speaks(self, language: str) -> None:
        """Sets the person's language, which wins over the browser's cookie."""
        from accounts.models import User

        User.objects.update(language=language)


# What was asked of which site, and what it came to: (request, model, tokens in and out).
ASKED = (
    ("Show the opening hours in a table, and add Sunday 8–12", "claude-3-haiku", 1_310, 412),
    ("Make the header quieter and the prices easier to read", "qwen-turbo", 1_420, 655),
)


def make_demo() -> Demo:
    """Migrates, seeds the catalogue and makes the person. Needs an empty database."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client
    from django.utils import timezone

    from accounts.models import User
    from billing.services.grants import grant_create
    from builder.examples import EXAMPLES
    from emulators.ai.sites import build_site

    call_command("migrate", verbosity=0)
    for command in ("catalogue_seed", "offers_seed", "stripe_sync"):
        call_command(command, verbosity=0)
    user = User.objects.create_user("ana@example.com", "correct horse battery")
    user.time_zone = "Europe/Paris"
    user.save()
    client = Client()
    client.force_login(user)
    client.get("/dashboard/", headers={"host": "localhost"})
    grant_create(
        user_id=user.pk,
        kind="purchased",
        amount=200_000,
        source="demo:package",
        effective_at=timezone.now(),
    )
    sites = []
    for example in (EXAMPLES[3], EXAMPLES[1], EXAMPLES[0]):
        built = build_site(example.text, model_id="claude-3-haiku", detail="standard")
        sites.append(_site(user, built.name, example.text, built.files))
    for number, (prompt, model, tokens_in, tokens_out) in enumerate(ASKED):
        _run(user, sites[-1], prompt, model, tokens_in, tokens_out, minutes=20 - 8 * number)
    cookie = settings.SESSION_COOKIE_NAME
    return Demo(cookie, client.cookies[cookie].value, f"/sites/{sites[-1].pk}/")


def _site(user: Any, name: str, prompt: str, files: dict[str, str]) -> Any:
    from builder.services.sites import site_create

    site = site_create(owner=user, name=name)
    _run(user, site, prompt, "qwen-turbo", 420, 3_600, files=files, minutes=45)
    return site


def _run(
    user: Any,
    site: Any,
    prompt: str,
    slug: str,
    tokens_in: int,
    tokens_out: int,
    *,
    files: dict[str, str] | None = None,
    minutes: int,
) -> None:
    """A finished run: hold, version, settlement, row."""
    from django.utils import timezone

    from billing.services.holds import hold_create, hold_settle
    from builder.models import Run, Version
    from builder.selectors.sites import version_files
    from builder.services.versions import version_create
    from models_catalog.pricing import charge, price_of
    from models_catalog.selectors import model_get

    model, now = model_get(slug), timezone.now()
    charged = charge(price_of(model), input_tokens=tokens_in, output_tokens=tokens_out)
    run = Run(owner=user, site=site, idempotency_key=prompt[:100], request_digest="", prompt=prompt)
    hold = hold_create(
        user_id=user.pk,
        key=f"run:{run.pk}",
        at_least=charged,
        at_most=2 * charged,
        expires_at=now + timedelta(minutes=30),
    )
    hold_settle(hold_id=hold.pk, amount=charged)
    latest = Version.objects.filter(site=site).first()
    carried = version_files(latest) if latest is not None else {}
    run.version = version_create(
        site=site,
        files=files if files is not None else carried,
        origin=Version.Origin.RUN,
        parent=latest,
        summary=prompt[:80],
        changed_paths=sorted(files) if files else ["index.html"],
    )
    run.hold, run.base_version = hold, latest
    run.model_slug = run.model_used_slug = slug
    run.token_cost, run.billing_unit = model.token_cost, model.billing_unit
    run.input_weight = model.input_weight
    run.estimate_low, run.estimate_high, run.ceiling = charged // 2, charged + 400, 2 * charged
    run.max_output_tokens = 4_000
    run.state = Run.State.SUCCEEDED
    run.dispatched_at = run.started_at = run.first_content_at = now - timedelta(minutes=minutes)
    run.finished_at = run.started_at + timedelta(seconds=19)
    run.input_tokens, run.output_tokens, run.charged = tokens_in, tokens_out, charged
    run.save()
    Run.objects.filter(pk=run.pk).update(created_at=run.started_at)
