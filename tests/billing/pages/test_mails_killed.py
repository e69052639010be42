"""A worker dies while it sends a mail: it is sent all the same, in the worst case twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.core import mail
from django.core.mail import send_mail

from accounts.models import User
from billing.models import Notice, PremiumPeriod
from billing.services import mails
from billing.services.mails import (
    mails_due,
    notice_send,
    order_failed_send,
    receipt_send,
    renewal_failed_send,
)

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """Not an Exception: nothing may catch it, as nothing catches a SIGKILL."""


class Mail(NamedTuple):
    """send(now): one try. due(now): whether the sweep would try. at: when it is due first."""

    send: Callable[[datetime], bool]
    due: Callable[[datetime], bool]
    at: datetime


@pytest.fixture(params=["notice", "receipt", "order failed", "renewal failed"])
def one(request: Any, person: User, make_order: Any, make_payment: Any, now: datetime) -> Mail:
    """A mail of each kind that is to be sent."""
    if request.param == "notice":
        row = Notice.objects.create(user=person, level=80, period="2026-11", created_at=now)
        return Mail(
            lambda at: notice_send(notice_id=row.pk, now=at),
            lambda at: mails_due(now=at).notices == [row.pk],
            now,
        )
    if request.param == "receipt":
        paid = make_payment(make_order(state="paid"), created_at=now)
        return Mail(
            lambda at: receipt_send(payment_id=paid.pk, now=at),
            lambda at: mails_due(now=at).payments == [paid.pk],
            now,
        )
    if request.param == "order failed":
        order = make_order(state="failed", failure_mail_due_at=now)
        return Mail(
            lambda at: order_failed_send(order_id=str(order.pk), now=at),
            lambda at: mails_due(now=at).orders == [str(order.pk)],
            now,
        )
    grace = PremiumPeriod.objects.create(
        user=person,
        kind="grace",
        subscription_id="sub_1",
        source="grace:sub_1:2026-11-15",
        starts_at=now,
        ends_at=now + timedelta(days=3),
        tokens_per_day=30_000,
        failure_mail_due_at=now,
    )
    return Mail(
        lambda at: renewal_failed_send(grace_id=grace.pk, now=at),
        lambda at: mails_due(now=at).graces == [grace.pk],
        now,
    )


def die(monkeypatch: pytest.MonkeyPatch, one: Mail, *, handed_over: bool) -> None:
    """The worker that sends it is killed, before or after the mail server took it."""
    real = send_mail

    def step(*words: Any) -> None:
        if handed_over:
            real(*words)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(mails, "send_mail", step)
        with pytest.raises(Killed):
            one.send(one.at)


def test_killed_before_it_was_handed_over_a_mail_goes_out_after_all(one: Mail, monkeypatch) -> None:
    die(monkeypatch, one, handed_over=False)
    # It may still be at it: nobody sends it a second time yet.
    in_time, over = one.at + timedelta(seconds=299), one.at + timedelta(seconds=300)
    assert not one.due(in_time)
    assert not one.send(in_time)
    assert len(mail.outbox) == 0
    assert one.due(over)
    assert one.send(over)
    assert len(mail.outbox) == 1
    assert not one.due(over + timedelta(hours=1))
    assert not one.send(over + timedelta(hours=1))
    assert len(mail.outbox) == 1


def test_killed_after_it_was_handed_over_a_mail_goes_out_once_more(one: Mail, monkeypatch) -> None:
    die(monkeypatch, one, handed_over=True)
    assert len(mail.outbox) == 1
    over = one.at + timedelta(seconds=300)
    assert one.due(over)
    assert one.send(over)
    assert not one.send(over)
    assert len(mail.outbox) == 2


def test_of_two_workers_at_once_one_sends(one: Mail, monkeypatch) -> None:
    real = send_mail
    second: list[bool] = []

    def step(*words: Any) -> None:
        # The second one comes while the first one waits for the mail server.
        second.append(one.send(one.at + timedelta(seconds=1)))
        real(*words)

    monkeypatch.setattr(mails, "send_mail", step)
    assert one.send(one.at)
    assert second == [False]
    assert len(mail.outbox) == 1
