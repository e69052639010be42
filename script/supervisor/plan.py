"""What to run, read from the same environment (and `.env`) as the app itself."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from config.env import Environment, EnvironmentProblems
from script.supervisor.errors import StartRefused

ROOT = Path(__file__).resolve().parent.parent.parent
PROVIDERS = ("OPENROUTER", "QWEN", "OPENAI", "ANTHROPIC")
# Short tasks (sweeps, sync, mail) need few threads; streams have WORKER_CONCURRENCY of them.
SHORT_TASK_CONCURRENCY = 4


@dataclass(frozen=True)
class Plan:
    """The environment's answers. Wrong values are told by the app's own settings, all at once."""

    port: int
    state_dir: Path
    debug: bool
    host_header: str
    redis_url: str
    emulator_url: str
    emulator_wanted: bool
    stripe_emulator_wanted: bool
    worker_pool: str
    worker_concurrency: int

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def logs(self) -> Path:
        return self.state_dir / "logs"


def read_plan() -> Plan:
    env = Environment.of_project(ROOT)
    debug = env.flag("DEBUG", True)
    port = env.integer("PORT", 8000, minimum=1, maximum=65535)
    worker_concurrency = env.integer("WORKER_CONCURRENCY", 64, minimum=1, maximum=2000)
    emulator_url = env.http_url("AI_EMULATOR_URL")
    if env.problems:
        raise StartRefused(everything_wrong() or str(EnvironmentProblems(env.problems)))
    served = all(env.text(f"{name}_API_KEY") or env.text(f"{name}_BASE_URL") for name in PROVIDERS)
    return Plan(
        port=port,
        state_dir=Path(env.text("STATE_DIR", str(ROOT / "var"))).resolve(),
        debug=debug,
        host_header=host_header(env.words("ALLOWED_HOSTS")),
        redis_url=env.text("REDIS_URL"),
        emulator_url=emulator_url,
        emulator_wanted=debug and not emulator_url and not served and has_module("emulators.ai"),
        stripe_emulator_wanted=debug
        and not env.text("STRIPE_SECRET_KEY")
        and not env.text("STRIPE_API_BASE")
        and has_module("emulators.stripe"),
        worker_pool=env.text("WORKER_POOL", "threads"),
        worker_concurrency=worker_concurrency,
    )


def has_module(name: str) -> bool:
    """Emulators are left out of production images."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def everything_wrong() -> str:
    """The whole list, which only the app's own settings know."""
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode != 0 else ""


def host_header(allowed_hosts: list[str]) -> str:
    """A Host that the app accepts: its own health is asked for by a name it knows."""
    for host in allowed_hosts:
        if host != "*":
            return host.lstrip(".")
    return "localhost"


def child_environment(plan: Plan, *, redis_url: str, emulator_url: str) -> dict[str, str]:
    """The environment of every child: this one, and where the internal services are."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings"),
        "PORT": str(plan.port),
        "STATE_DIR": str(plan.state_dir),
        "REDIS_URL": redis_url,
        "PYTHONUNBUFFERED": "1",
    }
    if plan.debug and emulator_url:
        environment["AI_EMULATOR_URL"] = emulator_url
    return environment
