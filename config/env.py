"""Reads the environment once, and collects everything that is wrong with it.

Every variable is read through `Environment`, so that the process refuses to start with ONE list
of all problems, and a test can compare the names read with `.env.example`.
"""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ


class EnvironmentProblems(Exception):
    """The environment is wrong. `str()` is the whole readable list."""

    def __init__(self, problems: list[str]) -> None:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(
            f"Sitewright can not start, {len(problems)} setting(s) are wrong:\n{lines}\n"
            "Every variable is described in .env.example."
        )
        self.problems = problems


def kept_secret(path: Path) -> str:
    """A random secret kept in a private file: made once, the same for every process after that."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_when_written(path)
    with os.fdopen(descriptor, "w") as file:
        secret = secrets.token_urlsafe(48)
        file.write(secret)
    return secret


def _read_when_written(path: Path) -> str:
    # Another process may have created the file an instant ago and not written it yet.
    for _ in range(100):
        secret = path.read_text().strip()
        if len(secret) >= 50:
            return secret
        time.sleep(0.02)
    raise EnvironmentProblems([f"{path} is damaged: delete it to have a new secret made"])


class Environment:
    """Typed reads that remember names and problems instead of raising at the first."""

    def __init__(self, dotenv: Path) -> None:
        if dotenv.is_file():
            environ.Env.read_env(str(dotenv))
        self.names: list[str] = []
        self.problems: list[str] = []

    @classmethod
    def of_project(cls, root: Path) -> Environment:
        """The environment and `.env` (or the file that ENV_FILE names; /dev/null for none)."""
        return cls(Path(os.environ.get("ENV_FILE") or root / ".env"))

    def text(self, name: str, default: str = "") -> str:
        self.names.append(name)
        # A variable set to nothing, as a copied .env.example has many, is the same as unset.
        return os.environ.get(name, "").strip() or default

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name).lower()
        if not value:
            return default
        if value in {"1", "true", "yes", "on"}:
            return True
        if value in {"0", "false", "no", "off"}:
            return False
        self.problem(f"{name} must be true or false, not {value!r}")
        return default

    def integer(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        value = self.text(name)
        if not value:
            return default
        if value.isascii() and value.isdigit() and minimum <= int(value) <= maximum:
            return int(value)
        self.problem(
            f"{name} must be a whole number from {minimum} to {maximum}, not {value[:40]!r}"
        )
        return default

    def choice(self, name: str, default: str, *, choices: tuple[str, ...]) -> str:
        value = self.text(name) or default
        if value in choices:
            return value
        self.problem(f"{name} must be one of {', '.join(choices)}, not {value[:40]!r}")
        return default

    def words(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        value = self.text(name)
        return [word.strip() for word in value.split(",") if word.strip()] or list(default)

    def http_url(self, name: str) -> str:
        """An http(s) URL without a trailing slash, or "" when unset."""
        value = self.text(name).rstrip("/")
        if not value:
            return ""
        try:
            parts = urlsplit(value)
            good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good:
            self.problem(f"{name} must be an http:// or https:// URL")
            return ""
        return value

    def database(self, name: str, default: str, base: Path) -> dict[str, Any]:
        """A database URL, or a bare path, which means SQLite (relative to the project)."""
        value = self.text(name, default) or default
        if "://" not in value:
            path = Path(value)
            return {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(path if path.is_absolute() else base / path),
            }
        try:
            config: dict[str, Any] = environ.Env.db_url_config(value)
        except (ValueError, KeyError):
            config = {}
        engine = str(config.get("ENGINE", ""))
        if not engine.endswith(("sqlite3", "postgresql")):
            self.problem(f"{name} must be postgres://…, sqlite:///… or a file's path")
            return {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
        return config

    def email(self, url: str, file_dir: Path) -> dict[str, Any]:
        """Django's EMAIL_* settings for a mail URL; file mail goes to `file_dir` unless it says."""
        if not url:
            return {}
        try:
            config = dict(environ.Env.email_url_config(url))
        except (ValueError, KeyError, environ.ImproperlyConfigured):
            self.problem("EMAIL_URL must be a mail URL, e.g. smtp+tls://user:password@host:587")
            return {}
        if url.startswith("filemail:"):
            config["EMAIL_FILE_PATH"] = config.get("EMAIL_FILE_PATH") or str(file_dir)
        config["EMAIL_TIMEOUT"] = 10
        return config

    def problem(self, text: str) -> None:
        self.problems.append(text)

    def refuse_if_wrong(self) -> None:
        if self.problems:
            raise EnvironmentProblems(self.problems)
