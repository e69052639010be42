"""Staff can look at the ledger, and change nothing."""

import pytest
import time_machine
from django.urls import reverse

from billing.models import Grant, Movement

pytestmark = pytest.mark.django_db
KINDS = ("grant", "hold", "movement")


@pytest.fixture
def admin(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("staff@example.com"))
    return client


@pytest.fixture
def rows(user, hold, now):
    taken = hold(user, 1_234, key="run:seen")
    grant = Grant.objects.get(user=user)
    return {"grant": grant, "hold": taken, "movement": Movement.objects.get(hold=taken)}


@pytest.mark.parametrize("kind", KINDS)
def test_lists_show_the_row_and_link_to_its_user(admin, rows, user, kind):
    page = admin.get(reverse(f"admin:billing_{kind}_changelist"))
    assert page.status_code == 200
    text = page.content.decode()
    assert f'<a href="/admin/accounts/user/{user.pk}/change/">{user.email}</a>' in text
    assert str(rows[kind]) in text


@pytest.mark.parametrize("kind", KINDS)
def test_lists_are_found_by_the_users_address(admin, rows, other_user, kind):
    url = reverse(f"admin:billing_{kind}_changelist")
    assert str(rows[kind]) in admin.get(url, {"q": rows["grant"].user.email}).content.decode()
    assert str(rows[kind]) not in admin.get(url, {"q": other_user.email}).content.decode()


@pytest.mark.parametrize(
    ("kind", "lookup"),
    [
        ("grant", {"spendable": "now"}),
        ("grant", {"spendable": "held"}),
        ("grant", {"kind__exact": "free_monthly"}),
        ("hold", {"state__exact": "open"}),
        ("movement", {"to_state__exact": "held"}),
        ("movement", {"grant__kind__exact": "free_monthly"}),
    ],
)
def test_lists_are_filtered(admin, rows, kind, lookup, now):
    # The rows are of that day: what can be spent "now" is asked then.
    with time_machine.travel(now, tick=False):
        page = admin.get(reverse(f"admin:billing_{kind}_changelist"), lookup)
    assert page.status_code == 200
    assert rows[kind] in page.context["cl"].result_list


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_can_be_read_and_not_changed_added_or_deleted(admin, rows, kind):
    row = rows[kind]
    change = reverse(f"admin:billing_{kind}_change", args=[row.pk])
    same = type(row).objects.filter(pk=row.pk)
    before = same.values().get()
    page = admin.get(change)
    assert page.status_code == 200
    assert 'type="submit"' not in page.content.decode().split('id="content"')[1]
    assert admin.post(change, {"amount": "1"}).status_code == 403
    assert admin.get(reverse(f"admin:billing_{kind}_add")).status_code == 403
    delete = reverse(f"admin:billing_{kind}_delete", args=[row.pk])
    assert admin.post(delete, {"post": "yes"}).status_code == 403
    assert same.values().get() == before


def test_a_hold_shows_its_movements(admin, rows):
    page = admin.get(reverse("admin:billing_hold_change", args=[rows["hold"].pk]))
    assert rows["movement"].key in page.content.decode()
