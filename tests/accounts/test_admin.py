"""The admin's door and the page of people: who gets in, and what staff may not give themselves."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.checks import staff_have_a_second_factor, tokens_end_with_the_session
from accounts.models import User
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(db) -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD)


@pytest.fixture
def helper(db) -> User:
    """Staff who may edit people, and nothing more."""
    user = User.objects.create_user("helper@example.com", PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    return user


def change(user: User) -> str:
    return reverse("admin:accounts_user_change", args=[user.pk])


def test_the_door_of_the_admin_is_everybodys(client):
    first = client.get("/admin/")
    assert (first.status_code, first.url) == (302, "/admin/login/?next=/admin/")
    second = client.get(first.url)
    assert (second.status_code, second.url) == (302, "/accounts/login/?next=%2Fadmin%2F")
    posted = client.post("/admin/login/", {"username": "root@example.com", "password": PASSWORD})
    assert posted.status_code == 302
    assert "_auth_user_id" not in client.session


def test_staff_come_in_through_it(client, root):
    response = client.post(
        "/accounts/login/?next=/admin/", {"login": root.email, "password": PASSWORD}
    )
    assert (response.status_code, response.url) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200


def test_others_are_turned_away(client, alice):
    client.force_login(alice)
    assert client.get("/admin/login/?next=/admin/").status_code == 403
    assert client.get("/admin/", follow=True).status_code == 403


def test_people_can_be_found_and_filtered(client, root, alice):
    client.force_login(root)
    url = reverse("admin:accounts_user_changelist")
    found = client.get(url, {"q": "alice"}).context["cl"].result_list
    assert [user.email for user in found] == ["alice@example.com"]
    assert client.get(url, {"second_factor": "yes"}).context["cl"].result_count == 0
    assert client.get(url, {"second_factor": "no"}).context["cl"].result_count == 2


def test_staff_can_disable_a_person_but_not_rename_or_empower(client, helper, alice):
    client.force_login(helper)
    response = client.post(
        change(alice),
        {
            "email": "stolen@example.com",
            "time_zone": "Europe/Paris",
            "is_staff": "on",
            "is_superuser": "on",
        },
    )
    assert response.status_code == 302
    alice.refresh_from_db()
    assert (alice.is_active, alice.time_zone) == (False, "Europe/Paris")
    assert (alice.email, alice.is_staff, alice.is_superuser) == ("alice@example.com", False, False)


def test_staff_can_not_touch_a_superuser_or_each_other(client, helper, root):
    client.force_login(helper)
    assert client.post(change(root), {"time_zone": "UTC"}).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[root.pk])
    assert client.get(password).status_code == 403
    assert client.post(change(helper), {"time_zone": "UTC"}).status_code == 403
    root.refresh_from_db()
    assert root.is_active is True


def test_a_superuser_can_make_someone_staff(client, root, alice):
    client.force_login(root)
    response = client.post(change(alice), {"time_zone": "UTC", "is_active": "on", "is_staff": "on"})
    assert response.status_code == 302
    alice.refresh_from_db()
    assert alice.is_staff is True


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "UTC\x00"])
def test_a_zone_that_is_none_is_refused(client, root, alice, zone):
    client.force_login(root)
    assert client.post(change(alice), {"time_zone": zone, "is_active": "on"}).status_code == 200
    alice.refresh_from_db()
    assert alice.time_zone == "UTC"


def test_a_person_added_by_staff_can_log_in(client, root):
    client.force_login(root)
    data = {
        "email": "Bob@Example.com",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    assert client.post(reverse("admin:accounts_user_add"), data).status_code == 302
    again = client.post(reverse("admin:accounts_user_add"), data | {"email": "BOB@example.com"})
    assert again.status_code == 200
    assert User.objects.filter(email="bob@example.com").count() == 1
    client.logout()
    response = client.post("/accounts/login/", {"login": "bob@example.com", "password": PASSWORD})
    assert response.status_code == 302


def test_staff_without_a_second_factor_is_a_warning_outside_debug(settings, root, alice):
    settings.DEBUG = True
    assert staff_have_a_second_factor(None, databases=["default"]) == []
    settings.DEBUG = False
    [message] = staff_have_a_second_factor(None, databases=["default"])
    assert message.id == "accounts.W001"
    assert message.msg.startswith("1 active staff")
    assert root.email not in message.msg
    root.authenticator_set.create(type="totp", data={})
    assert staff_have_a_second_factor(None, databases=["default"]) == []


def test_tokens_that_outlive_a_log_out_are_an_error(settings):
    assert tokens_end_with_the_session(None) == []
    settings.HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = False
    settings.HEADLESS_JWT_PRIVATE_KEY = settings.SECRET_KEY
    assert [one.id for one in tokens_end_with_the_session(None)] == [
        "accounts.E001",
        "accounts.E002",
    ]
