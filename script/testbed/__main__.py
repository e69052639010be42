"""`script/test [pytest's arguments]`: starts a private PostgreSQL and Redis, runs pytest, ends all.

Nothing of the caller's configuration reaches the tests: keys and addresses in the environment
are dropped, `.env` is not read.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

from script.testbed import servers, tools
from script.testbed.tell import say

ROOT = Path(__file__).resolve().parent.parent.parent
# Twice the cores: two of them have the tests of the running stacks, which wait for browsers and
# clocks while the others work.
WORKERS = 4


class Ended(Exception):
    """A signal asked for the end."""


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, _end)
    tools.install_missing()
    folder = Path(tempfile.mkdtemp(prefix="sitewright-tests-"))
    running: list[servers.Server] = []
    try:
        running.append(servers.start_postgres(folder))
        running.append(servers.start_redis(folder))
        postgres, redis = running
        say(f"PostgreSQL at {postgres.url}, Redis at {redis.url}")
        environment = test_environment(
            database_url=postgres.url, redis_url=redis.url, state_dir=folder / "var"
        )
        environment["TEST_DATABASE_TEMPLATE"] = "migrated"
        return run_pytest(arguments, environment)
    except (Ended, KeyboardInterrupt):
        return 130
    except RuntimeError as error:
        say(str(error))
        return 1
    finally:
        for server in reversed(running):
            server.end()
        servers.remove(folder)


def test_environment(*, database_url: str, redis_url: str, state_dir: Path) -> dict[str, str]:
    ours = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.M))
    ours.add("DJANGO_SETTINGS_MODULE")
    # Compiled once, not by each of the hundred processes that the tests start.
    ours.add("PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    chromium = tools.chromium()
    return {
        **kept,
        **({"CHROMIUM": chromium} if chromium else {}),
        "ENV_FILE": os.devnull,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "STATE_DIR": str(state_dir),
    }


def run_pytest(arguments: list[str], environment: dict[str, str]) -> int:
    command = [sys.executable, "-m", "pytest", "-n", str(WORKERS), "--dist", "loadgroup"]
    process = subprocess.Popen(
        [*command, *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL
    )
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=30)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise Ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
