import pytest
from django.conf import settings as django_settings

from billing.checks import check_database, check_tokens


def _ids(problems):
    return [problem.id for problem in problems]


def test_the_settings_as_they_are_pass():
    assert check_tokens() == []
    assert check_database() == []


@pytest.mark.parametrize("amount", [0, -1, 10.5, "10000", None, True])
def test_an_allowance_that_is_no_number_of_tokens_is_told(settings, amount):
    settings.FREE_MONTHLY_TOKENS = amount
    assert _ids(check_tokens()) == ["billing.E001"]


@pytest.mark.parametrize("priority", [None, -1, "1"])
def test_a_pocket_without_its_place_is_told(settings, priority):
    settings.POCKET_PRIORITIES = {**django_settings.POCKET_PRIORITIES, "purchased": priority}
    (problem,) = check_tokens()
    assert (problem.id, "'purchased'" in problem.msg) == ("billing.E002", True)


@pytest.mark.parametrize(
    ("engine", "options", "expected"),
    [
        ("sqlite3", {}, ["billing.E003"]),
        ("sqlite3", {"transaction_mode": "DEFERRED"}, ["billing.E003"]),
        ("sqlite3", {"transaction_mode": "immediate"}, []),
        ("postgresql", {}, []),
        ("postgresql", {"isolation_level": 2}, []),
        ("postgresql", {"isolation_level": 4}, ["billing.E004"]),
    ],
)
def test_a_database_mode_in_which_holds_go_wrong_is_told(monkeypatch, engine, options, expected):
    database = {"ENGINE": f"django.db.backends.{engine}", "OPTIONS": options}
    monkeypatch.setattr(django_settings, "DATABASES", {"default": database})
    assert _ids(check_database()) == expected
