"""Low-balance notices: at 80 % and 100 % of the pocket that counts, once in its period."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from accounts.models import User
from billing.models import Grant, Notice
from billing.sales_selectors import notice_shown
from billing.services.grants import grant_create
from billing.services.holds import hold_create, hold_settle
from billing.services.mails import mails_due, notice_send
from billing.services.notices import balance_check, level_of, notice_dismiss

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 15, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_rings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The mails rung for; no worker hears."""
    rings: list[tuple[Any, ...]] = []
    name = "billing.services.notices.ring_on_commit"
    monkeypatch.setattr(name, lambda *arguments: rings.append(arguments))
    return rings


@pytest.fixture
def spend(person: User) -> Callable[..., list[tuple[int, str]]]:
    """spend(tokens, at): charged as a run is, then checked; the notices there are by then."""

    def spent(tokens: int, at: datetime = NOON) -> list[tuple[int, str]]:
        with time_machine.travel(at, tick=False):
            number = person.holds.count()
            hold = hold_create(
                user_id=person.pk,
                key=f"run:{number}",
                at_least=tokens,
                at_most=tokens,
                expires_at=at + timedelta(hours=1),
                now=at,
            )
            hold_settle(hold_id=hold.pk, amount=tokens, now=at)
            balance_check(user_id=person.pk, now=at)
        return list(Notice.objects.order_by("pk").values_list("level", "period"))

    return spent


def buy(person: User, tokens: int, at: datetime = NOON) -> Grant:
    number = person.grants.count()
    with time_machine.travel(at, tick=False):
        return grant_create(
            user_id=person.pk,
            kind=Grant.Kind.PURCHASED,
            amount=tokens,
            source=f"purchase:cs_{number}",
            effective_at=at,
        )


@pytest.mark.parametrize(
    ("left", "level"),
    [(10_000, None), (2_001, None), (2_000, 80), (50, 80), (49, 100), (0, 100)],
)
def test_levels_are_a_fifth_and_half_a_percent(left: int, level: int | None) -> None:
    assert level_of(left=left, size=10_000) == level


def test_the_free_month_is_told_at_80_and_100_percent_once_each(spend, no_rings) -> None:
    assert spend(7_999) == []
    assert spend(1) == [(80, "2026-11")]
    assert spend(1_000) == [(80, "2026-11")]
    assert spend(1_000) == [(80, "2026-11"), (100, "2026-11")]
    rung = Notice.objects.order_by("pk").values_list("pk", flat=True)
    assert no_rings == [("billing.tasks.notice_mail", pk) for pk in rung]


def test_all_at_once_is_one_notice(spend) -> None:
    assert spend(10_000) == [(100, "2026-11")]


def test_the_next_month_is_told_again(spend) -> None:
    spend(9_000)
    december = datetime(2026, 12, 1, tzinfo=UTC)
    assert spend(8_500, december) == [(80, "2026-11"), (80, "2026-12")]


def test_who_bought_tokens_is_told_by_the_size_of_the_purchase(person, spend) -> None:
    grant = buy(person, 200_000)
    assert spend(10_000) == []
    assert spend(159_999) == []
    assert spend(1) == [(80, f"purchase:{grant.pk}")]
    assert spend(40_000) == [(80, f"purchase:{grant.pk}"), (100, f"purchase:{grant.pk}")]


def test_a_purchase_used_up_does_not_tell_of_the_month_in_the_same_breath(person, spend) -> None:
    grant = buy(person, 1_000)
    told = [(100, f"purchase:{grant.pk}")]
    assert spend(11_000) == told
    assert balance_check(user_id=person.pk, now=NOON + timedelta(hours=1)) is None
    december = datetime(2026, 12, 2, tzinfo=UTC)
    assert spend(8_500, december) == [*told, (80, "2026-12")]


def test_tokens_on_hold_are_not_used_yet(person, spend) -> None:
    hold_create(
        user_id=person.pk,
        key="run:open",
        at_least=5_000,
        at_most=5_000,
        expires_at=NOON + timedelta(hours=1),
        now=NOON,
    )
    assert spend(5_000) == []


def test_the_banner_goes_when_dismissed_or_when_new_tokens_come(person, spend) -> None:
    spend(9_000)
    notice = notice_shown(person)
    assert notice is not None
    assert (notice.level, notice.period) == (80, "2026-11")
    buy(person, 200_000, NOON + timedelta(minutes=1))
    assert notice_shown(person) is None
    Grant.objects.filter(kind="purchased").update(created_at=NOON - timedelta(days=1))
    assert notice_shown(person) == notice
    notice_dismiss(user=User.objects.create_user("bo@example.com"), notice_id=notice.pk)
    assert notice_shown(person) == notice
    notice_dismiss(user=person, notice_id=notice.pk)
    assert notice_shown(person) is None


def test_pages_show_the_banner_until_it_is_hidden(member: Client, person: User, now) -> None:
    member.get("/billing/")
    notice = Notice.objects.create(user=person, level=80, period=f"{now:%Y-%m}")
    page = member.get("/help/").content.decode()
    assert "10,000 tokens left." in page
    hide = f"/billing/notices/{notice.pk}/dismiss/"
    assert hide in page
    assert member.get(hide).status_code == 405
    back = member.post(hide, {"next": "https://elsewhere.example/"})
    assert (back.status_code, back["Location"]) == (302, "/dashboard/")
    assert hide not in member.get("/help/").content.decode()


def test_the_banner_costs_one_query(
    member: Client, person: User, django_assert_num_queries, rf
) -> None:
    with django_assert_num_queries(1):
        notice_shown(person)


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        ("en", "1,000 Sitewright tokens are left", "1,000 tokens are left in your balance"),
        ("zh-hans", "1,000", "1,000"),
    ],
)
def test_the_mail_is_sent_once_in_the_persons_language(
    person: User, spend, language: str, subject: str, words: str
) -> None:
    User.objects.filter(pk=person.pk).update(language=language, time_zone="Asia/Shanghai")
    spend(9_000)
    notice = Notice.objects.get()
    assert notice_send(notice_id=notice.pk, now=NOON)
    assert not notice_send(notice_id=notice.pk, now=NOON)
    [sent] = mail.outbox
    assert sent.to == ["ana@example.com"]
    assert subject in sent.subject
    assert words in sent.body
    assert "/pricing/" in sent.body
    if language == "zh-hans":
        assert "Hello" not in sent.body


def test_a_mail_server_that_is_away_is_tried_again_by_the_sweep(
    person: User, spend, settings
) -> None:
    spend(9_000)
    notice = Notice.objects.get()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 9, 1
    assert not notice_send(notice_id=notice.pk, now=NOON)
    notice.refresh_from_db()
    assert notice.mailed_at is None
    assert mails_due(now=NOON + timedelta(minutes=1)) == ([], [], [], [])
    assert mails_due(now=NOON + timedelta(minutes=3)) == ([notice.pk], [], [], [])
    assert mails_due(now=NOON + timedelta(hours=13)) == ([], [], [], [])
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert notice_send(notice_id=notice.pk, now=NOON)
    assert len(mail.outbox) == 1
