"""The app's own settings, made quick and private for tests. No test may reach a real key."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ["ENV_FILE"] = os.devnull
for _name in ("OPENROUTER", "QWEN", "OPENAI", "ANTHROPIC"):
    os.environ[f"{_name}_API_KEY"] = os.environ[f"{_name}_BASE_URL"] = ""
for _name in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE", "PROXY_HOST"):
    os.environ[_name] = ""
os.environ.setdefault(
    "STATE_DIR", str(Path(tempfile.gettempdir()) / f"sitewright-tests-{os.getuid()}")
)
if not os.environ.get("REDIS_URL"):
    # Tests run alone: a Redis of their own, which ends with this process (workers inherit it).
    from script.testbed.servers import start_redis

    os.environ["REDIS_URL"] = start_redis(Path(tempfile.mkdtemp(prefix="sitewright-redis-"))).url

_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if _worker.removeprefix("gw").isdigit():
    # One Redis database per worker; 0 is for a run without workers.
    _number = int(_worker.removeprefix("gw")) + 1
    os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{_number}"

from config.settings import *  # noqa: E402, F403
from config.settings import CACHES, DATABASES, STATE_DIR, STATIC_ROOT  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Tests sign up far more people from one address than anybody would.
ACCOUNT_RATE_LIMITS = False
STATUS_FRESH_SECONDS = 0
# As in development: otherwise every new test client reads the heads of all static files.
WHITENOISE_AUTOREFRESH = True
CACHES["default"]["KEY_PREFIX"] = f"tests-{_worker or 'main'}"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, as in real life: an in-memory database knows neither WAL nor several connections.
    DATABASES["default"]["TEST"] = {"NAME": str(STATE_DIR / f"test-{os.getpid()}.sqlite")}
