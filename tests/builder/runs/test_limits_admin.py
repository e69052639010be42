"""Staff give one person other limits."""

from __future__ import annotations

from django.urls import reverse

from accounts.models import User
from builder.models import UserLimits
from builder.selectors.limits import limits_of

ADD = "admin:builder_userlimits_add"


def test_staff_give_a_person_other_limits(admin_client, alice, settings):
    page = admin_client.get(reverse(ADD)).content.decode()
    assert f"Usual: {settings.RUNS_CONCURRENT_MAX:,}" in page
    answer = admin_client.post(
        reverse(ADD), {"user": alice.pk, "reason": "A class of thirty", "concurrent_runs": 7}
    )
    assert answer.status_code == 302
    assert limits_of(alice).concurrent_runs == 7
    assert limits_of(alice).runs_per_minute == settings.RUNS_PER_MINUTE_MAX


def test_limits_without_a_reason_or_that_make_no_sense_are_refused(admin_client, alice):
    for wrong in ({"reason": "", "concurrent_runs": 7}, {"reason": "x", "prompt_bytes": -1}):
        answer = admin_client.post(reverse(ADD), {"user": alice.pk, **wrong})
        assert answer.status_code == 200
    assert not UserLimits.objects.exists()


def test_deleting_them_gives_the_usual_limits_back(admin_client, alice, settings):
    UserLimits.objects.create(user=alice, concurrent_runs=0, reason="Abuse")
    delete = reverse("admin:builder_userlimits_delete", args=[alice.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 302
    assert limits_of(User.objects.get(pk=alice.pk)).concurrent_runs == settings.RUNS_CONCURRENT_MAX
