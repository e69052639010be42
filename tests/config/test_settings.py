"""What the environment may say, and how the process refuses what it may not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "Zq7!vR2#mK9$xT4%wB6&nH8*cJ1(pL3)dF5-gS0_yU7+eA2=jN6bV8",
    "JWT_SECRET": "jwt-" * 8,
    "ALLOWED_HOSTS": "app.example.com",
    "SITES_DOMAIN": "example-sites.net",
    "EMAIL_URL": "smtp+tls://user:pw@mail.example.com:587",
    "OPENROUTER_API_KEY": "sk-or-v1-something",
    "DEFAULT_FROM_EMAIL": "hello@example.com",
    "DATABASE_URL": "postgres://app:pw@db.example.com/app",
    "REDIS_URL": "redis://cache.example.com:6379/0",
}


def run(tmp_path: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with nothing of this machine's configuration but `variables`."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "ENV_FILE": os.devnull,
        "STATE_DIR": str(tmp_path / "var"),
        **variables,
    }
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def setting(tmp_path: Path, expression: str, **variables: str) -> object:
    """The JSON value of an expression over the settings `s` in a fresh process."""
    code = f"import json; from config import settings as s; print(json.dumps({expression}))"
    done = run(tmp_path, "-c", code, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal(tmp_path: Path, **variables: str) -> list[str]:
    """The problems that a fresh process finds, [] when it starts."""
    code = (
        "import json\nfrom config.env import EnvironmentProblems\n"
        "try:\n    from config import settings\n    print('[]')\n"
        "except EnvironmentProblems as p:\n    print(json.dumps(p.problems))"
    )
    done = run(tmp_path, "-c", code, **variables)
    assert done.returncode == 0, done.stderr
    problems: list[str] = json.loads(done.stdout)
    return problems


def test_env_example_lists_exactly_what_the_settings_read(tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text()
    described = re.findall(r"^([A-Z][A-Z0-9_]*)=", text, re.MULTILINE)
    assert len(described) == len(set(described))
    read = [setting(tmp_path, "s.env.names", **variables) for variables in ({}, PRODUCTION)]
    assert set(described) == {name for names in read for name in cast("list[str]", names)}


def test_a_copied_env_example_is_the_embedded_default(tmp_path: Path) -> None:
    done = run(tmp_path, "manage.py", "check", ENV_FILE=str(ROOT / ".env.example"))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_dotenv_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    dotenv = tmp_path / "env"
    dotenv.write_text("PORT=8111\nWORKER_CONCURRENCY=7\n")
    found = setting(
        tmp_path, "[s.PORT, s.WORKER_CONCURRENCY]", ENV_FILE=str(dotenv), WORKER_CONCURRENCY="9"
    )
    assert found == [8111, 9]


@pytest.mark.parametrize(
    "command",
    [
        ("manage.py", "check"),
        ("-m", "celery", "-A", "config.celery", "worker", "--pool", "threads"),
        ("-m", "celery", "-A", "config.celery", "beat", "--pidfile="),
        ("-m", "uvicorn", "config.asgi:application", "--port", "1"),
        ("-c", "import config.wsgi"),
        ("-m", "script.supervisor"),
    ],
    ids=["manage", "worker", "beat", "asgi", "wsgi", "server"],
)
def test_every_way_in_tells_all_problems_in_one_list(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = run(tmp_path, *command, DEBUG="false", PORT="eighty", WORKER_POOL="fibers")
    assert done.returncode == 1
    lines = re.findall(r"^  - (.*)$", done.stderr, re.MULTILINE)
    assert [line.split()[0] for line in lines] == [
        "PORT",
        "SECRET_KEY",
        "SITES_DOMAIN",
        "ALLOWED_HOSTS",
        "WORKER_POOL",
        "JWT_SECRET",
        "EMAIL_URL",
    ]
    assert "Sitewright can not start, 7 setting(s) are wrong:" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_whole_production_environment_starts(tmp_path: Path) -> None:
    assert refusal(tmp_path, **PRODUCTION) == []


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"JWT_SECRET": "x" * 31}, "JWT_SECRET must be at least 32 bytes outside DEBUG"),
        ({"JWT_SECRET": ""}, "JWT_SECRET must be at least 32 bytes outside DEBUG"),
        ({"SECRET_KEY": "x" * 49}, "SECRET_KEY must be at least 50 characters outside DEBUG"),
        (
            {"ALLOWED_HOSTS": "*"},
            "ALLOWED_HOSTS must name the hosts of the app outside DEBUG, and not be *",
        ),
        (
            {"ALLOWED_HOSTS": ""},
            "ALLOWED_HOSTS must name the hosts of the app outside DEBUG, and not be *",
        ),
        (
            {"SITES_DOMAIN": ""},
            "SITES_DOMAIN must name the domain that serves generated sites outside DEBUG",
        ),
        (
            {"SITES_DOMAIN": "sites.example.com"},
            "SITES_DOMAIN (sites.example.com) and ALLOWED_HOSTS (app.example.com) share a site: "
            "generated pages could reach the app's cookies. Give sites a domain of their own",
        ),
        (
            {"EMAIL_VERIFICATION": "maybe"},
            "EMAIL_VERIFICATION must be one of none, optional, mandatory, not 'maybe'",
        ),
        ({"DATABASE_URL": "mysql://a/b"}, "DATABASE_URL must be postgres://…"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL must be redis://… or rediss://…"),
        ({"OPENROUTER_BASE_URL": "openrouter.ai"}, "OPENROUTER_BASE_URL must be an http://"),
        ({"PROXY_PORT": "70000"}, "PROXY_PORT must be a whole number from 1 to 65535"),
        ({"GOOGLE_CLIENT_ID": "x"}, "GOOGLE_CLIENT_ID and _CLIENT_SECRET must be set together"),
        ({"DEBUG": "perhaps"}, "DEBUG must be true or false, not 'perhaps'"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_one_wrong_variable_is_one_problem(
    tmp_path: Path, wrong: dict[str, str], problem: str
) -> None:
    problems = refusal(tmp_path, **{**PRODUCTION, **wrong})
    assert problem in [p[: len(problem)] for p in problems]
    if "DEBUG" not in wrong:
        assert len(problems) == 1


@pytest.mark.parametrize("hosts", ["app.example.com", "*", "localhost,192.168.1.5"])
def test_debug_serves_this_machine_only(tmp_path: Path, hosts: str) -> None:
    (problem,) = refusal(tmp_path, ALLOWED_HOSTS=hosts)
    assert problem.startswith("ALLOWED_HOSTS may only name this machine while DEBUG is on, not ")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("./database.sqlite", str(ROOT / "database.sqlite")),
        ("/data/site.sqlite", "/data/site.sqlite"),
        ("sqlite:////data/site.sqlite", "/data/site.sqlite"),
    ],
)
def test_database_url_may_be_a_bare_path(tmp_path: Path, value: str, name: str) -> None:
    found = setting(
        tmp_path, "[s.DATABASES['default'][k] for k in ('ENGINE', 'NAME')]", DATABASE_URL=value
    )
    assert found == ["django.db.backends.sqlite3", name]


def test_database_url_may_be_postgresql(tmp_path: Path) -> None:
    keys = "('ENGINE', 'NAME', 'USER', 'HOST', 'PORT')"
    found = setting(
        tmp_path,
        f"[s.DATABASES['default'][k] for k in {keys}]",
        DATABASE_URL="postgres://ann:pw@db.internal:5433/site",
    )
    assert found == ["django.db.backends.postgresql", "site", "ann", "db.internal", 5433]


def test_secrets_of_the_embedded_default_are_made_once_and_kept_private(tmp_path: Path) -> None:
    first = setting(tmp_path, "[s.SECRET_KEY, s.JWT_SECRET]")
    assert setting(tmp_path, "[s.SECRET_KEY, s.JWT_SECRET]") == first
    assert isinstance(first, list)
    assert min(map(len, first)) >= 50
    assert first[0] != first[1]
    assert (tmp_path / "var" / "jwt_secret").stat().st_mode & 0o077 == 0


def test_emulators_do_not_exist_in_production(tmp_path: Path) -> None:
    variables = {**PRODUCTION, "AI_EMULATOR_URL": "http://127.0.0.1:8100"}
    assert setting(tmp_path, "s.AI_EMULATOR_URL", **variables) == ""


def test_production_passes_the_deployment_checks(tmp_path: Path) -> None:
    # dj-stripe's own check asks the database, so it must be one that answers at once.
    variables = {**PRODUCTION, "DATABASE_URL": str(tmp_path / "site.sqlite")}
    done = run(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING", **variables)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        ({}, "sitewright.I001"),
        ({"OPENROUTER_API_KEY": ""}, "sitewright.W002"),
        ({"DEFAULT_FROM_EMAIL": ""}, "sitewright.W003"),
        ({"STRIPE_SECRET_KEY": f"sk_test_{'a' * 24}"}, "sitewright.W004"),
    ],
)
def test_doubtful_production_is_told_by_a_check(
    tmp_path: Path, wrong: dict[str, str], check: str
) -> None:
    variables = {**PRODUCTION, "DATABASE_URL": str(tmp_path / "site.sqlite"), **wrong}
    done = run(tmp_path, "manage.py", "check", "--deploy", **variables)
    assert check in done.stderr
