"""Staff see all of tokens and money, and change only offers and, with a reason, tokens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from billing.models import Grant, Hold, Notice, Offer, PremiumPeriod, StaffAction, WebhookReceipt
from billing.selectors import standing_of
from billing.services.clawbacks import grant_claw_back
from billing.services.grants import grant_create
from billing.services.holds import hold_create, hold_settle
from billing.services.issuing import grants_issue
from billing.services.reconcile import reconcile

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss@example.com"))
    return client


@pytest.fixture
def everything(person: User, make_order, make_payment) -> dict[str, Any]:
    """One row of every kind, by the name of its model."""
    now = timezone.now()
    order = make_order(state="paid")
    payment = make_payment(order)
    month = make_payment(
        make_order("premium_monthly", state="paid", subscription_id="sub_1"), source="in_1"
    )
    grant = grant_create(
        user_id=person.pk,
        kind="purchased",
        amount=200_000,
        source=f"purchase:{order.checkout_session_id}",
        effective_at=now - timedelta(hours=1),
    )
    hold = hold_create(
        user_id=person.pk,
        key="run:spent",
        at_least=60_000,
        at_most=60_000,
        expires_at=now + timedelta(hours=1),
    )
    hold_settle(hold_id=hold.pk, amount=60_000)
    grant_claw_back(grant_id=grant.pk, target=200_000, key="refund:1", may_owe=True, now=now)
    return {
        "order": order,
        "payment": payment,
        "premiumperiod": PremiumPeriod.objects.create(
            user=person,
            payment=month,
            kind="paid",
            subscription_id="sub_1",
            source="invoice:in_1",
            starts_at=now,
            ends_at=now + timedelta(days=30),
            tokens_per_day=30_000,
        ),
        "webhookreceipt": WebhookReceipt.objects.create(
            event_id="evt_1", event_type="invoice.paid", object_type="invoice", object_id="in_1"
        ),
        "notice": Notice.objects.create(user=person, level=80, period="2026-11"),
        "debtentry": grant.debt_entries.get(),
    }


KINDS = ("order", "payment", "premiumperiod", "webhookreceipt", "notice", "debtentry")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_listed_found_and_never_changed(boss: Client, everything, kind: str) -> None:
    row = everything[kind]
    query = "evt_1" if kind == "webhookreceipt" else "ana@example.com"
    listed = boss.get(reverse(f"admin:billing_{kind}_changelist"), {"q": query})
    assert listed.status_code == 200
    assert row in listed.context["cl"].result_list
    nothing = boss.get(reverse(f"admin:billing_{kind}_changelist"), {"q": "zz@example.com"})
    assert list(nothing.context["cl"].result_list) == []
    change = reverse(f"admin:billing_{kind}_change", args=[row.pk])
    assert boss.get(change).status_code == 200
    before = type(row).objects.filter(pk=row.pk).values().get()
    assert boss.post(change, {}).status_code == 403
    assert boss.post(reverse(f"admin:billing_{kind}_add"), {}).status_code == 403
    delete = reverse(f"admin:billing_{kind}_delete", args=[row.pk])
    assert boss.post(delete, {"post": "yes"}).status_code == 403
    assert type(row).objects.filter(pk=row.pk).values().get() == before


def test_payments_are_found_by_an_id_of_stripes_and_link_there(boss: Client, everything) -> None:
    payment = everything["payment"]
    url = reverse("admin:billing_payment_changelist")
    page = boss.get(url, {"q": payment.payment_intent_id})
    assert list(page.context["cl"].result_list) == [payment]
    link = f'href="https://dashboard.stripe.com/test/payments/{payment.payment_intent_id}"'
    assert link in page.content.decode()


def test_the_standing_shows_everything_on_one_page(boss: Client, everything, person) -> None:
    page = boss.get(reverse("admin:billing_standing", args=[person.pk])).content.decode()
    for words in (
        "50,000",  # owed: 200,000 taken back after 50,000 of them were used
        "run:spent",
        "Free this month 10,000 · Purchased 50,000",
        str(everything["order"].pk),
        "https://dashboard.stripe.com/test/customers/cus_ana",
        "https://dashboard.stripe.com/test/subscriptions/sub_1",
        "invoice:in_1",
        "2026-11",
    ):
        assert words in page


def test_the_persons_page_leads_to_the_standing(boss: Client, person) -> None:
    page = boss.get(reverse("admin:accounts_user_change", args=[person.pk])).content.decode()
    assert f'href="/admin/billing/staffaction/standing/{person.pk}/"' in page


@pytest.fixture
def act(boss: Client, person: User) -> Callable[..., Any]:
    """act("grant", tokens=5, reason="…"): the answer to the action's form."""

    def post(verb: str, **fields: Any) -> Any:
        url = reverse("admin:billing_standing_act", args=[person.pk, verb])
        return boss.post(url, {"key": uuid4().hex, "reason": "As agreed by mail", **fields})

    return post


def test_staff_grant_tokens_with_a_reason_once_per_form(act, person) -> None:
    key = uuid4().hex
    for _ in range(2):
        assert act("grant", tokens="5000", key=key).status_code == 302
    action = StaffAction.objects.get()
    assert (action.staff.email, action.user, action.verb) == ("boss@example.com", person, "grant")
    assert (action.tokens, action.reason) == (5_000, "As agreed by mail")
    assert standing_of(person, timezone.now()).available == 15_000
    assert reconcile() == []


@pytest.mark.parametrize(
    "fields",
    [{"tokens": "0"}, {"tokens": "x"}, {"tokens": ""}, {"tokens": "5", "reason": " "}],
)
def test_a_grant_without_an_amount_or_a_reason_is_refused_in_words(act, fields) -> None:
    refused = act("grant", **fields)
    assert refused.status_code == 422
    assert "errorlist" in refused.content.decode()
    assert not StaffAction.objects.exists()
    assert not Grant.objects.filter(kind="adjustment").exists()


def test_tokens_can_be_taken_back_and_a_debt_written_off(act, everything, person) -> None:
    assert act("grant", tokens="1000").status_code == 302
    assert standing_of(person, timezone.now()).debt == 49_000  # the gift paid debts first
    grant = everything["debtentry"].grant
    assert act("write-off", grant=grant.pk, tokens="49000").status_code == 302
    assert standing_of(person, timezone.now()).debt == 0
    refused = act("write-off", grant=grant.pk, tokens="1")
    assert refused.status_code == 422
    assert "Only 0 tokens are owed" in refused.content.decode()
    free = Grant.objects.create(
        user=person, kind="adjustment", priority=5, source="gift", effective_at=timezone.now(),
        amount=300, available=300,
    )  # fmt: skip
    grants_issue([free])
    assert act("claw-back", grant=free.pk, tokens="300").status_code == 302
    free.refresh_from_db()
    assert (free.available, free.voided) == (0, 300)
    assert reconcile() == []


def test_a_hold_is_voided_once(act, person) -> None:
    hold = hold_create(
        user_id=person.pk,
        key="run:stuck",
        at_least=4_000,
        at_most=4_000,
        expires_at=timezone.now() + timedelta(hours=1),
    )
    assert act("void-hold", hold=hold.pk).status_code == 302
    hold.refresh_from_db()
    assert hold.state == Hold.State.RELEASED
    again = act("void-hold", hold=hold.pk)
    assert again.status_code == 422
    assert "already been given back" in again.content.decode()
    assert standing_of(person, timezone.now()).available == 10_000


def test_somebody_elses_grant_is_not_among_the_choices(act, person) -> None:
    other = User.objects.create_user("bo@example.com")
    standing_of(other, timezone.now())
    refused = act("claw-back", grant=other.grants.get().pk, tokens="10")
    assert refused.status_code == 422
    assert other.grants.get().available == 10_000


def test_permissions_are_asked_for(client: Client, person: User) -> None:
    clerk = User.objects.create_user("clerk@example.com", is_staff=True)
    client.force_login(clerk)
    url = reverse("admin:billing_standing", args=[person.pk])
    assert client.get(url).status_code == 403
    clerk.user_permissions.add(
        *Permission.objects.filter(codename__in=("view_grant", "view_order"))
    )
    page = client.get(url)
    assert page.status_code == 200
    assert 'name="reason"' not in page.content.decode()
    act = reverse("admin:billing_standing_act", args=[person.pk, "grant"])
    fields = {"key": uuid4().hex, "reason": "Because I can", "tokens": "5"}
    assert client.post(act, fields).status_code == 403
    clerk.user_permissions.add(Permission.objects.get(codename="add_staffaction"))
    assert 'name="reason"' in client.get(url).content.decode()
    assert client.post(act, fields).status_code == 302
    client.force_login(person)
    assert client.get(url).status_code == 302  # to the log-in: no staff at all


def offer_fields(offer: Offer, **changed: Any) -> dict[str, Any]:
    names = ("name", "tokens", "amount_cents", "currency", "order")
    fields = {name: getattr(offer, name) for name in names}
    return {**fields, "enabled": "on" if offer.enabled else "", **changed}


def test_a_changed_price_warns_that_stripe_must_be_told(boss: Client, offers) -> None:
    offer = offers["tokens_200k"]
    url = reverse("admin:billing_offer_change", args=[offer.pk])
    page = boss.post(url, offer_fields(offer, amount_cents=600), follow=True)
    assert "run `manage.py stripe_sync`" in page.content.decode()
    offer.refresh_from_db()
    assert offer.amount_cents == 600
    quiet = boss.post(url, offer_fields(offer, order=9), follow=True)
    assert "stripe_sync" not in quiet.content.decode().split("</thead>")[0]


@pytest.mark.parametrize(
    ("slug", "changed", "words"),
    [
        ("tokens_200k", {"amount_cents": 49}, "At least 50 cents"),
        ("tokens_200k", {"tokens": 0}, "At least 1 token"),
        ("tokens_200k", {"currency": "eur"}, "Prices are in US dollars"),
        ("free_monthly", {"amount_cents": 100}, "The free month costs nothing"),
        ("free_monthly", {"enabled": ""}, "The free month can not be switched off"),
    ],
)
def test_an_offer_that_makes_no_sense_is_refused_in_words(
    boss: Client, offers, slug: str, changed: dict[str, Any], words: str
) -> None:
    offer = offers[slug]
    before = Offer.objects.filter(pk=offer.pk).values().get()
    url = reverse("admin:billing_offer_change", args=[offer.pk])
    page = boss.post(url, offer_fields(offer, **changed))
    assert page.status_code == 200
    assert words in page.content.decode()
    assert Offer.objects.filter(pk=offer.pk).values().get() == before
