"""Finds the programs that tests need where they are installed; installs them where it may."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from script.testbed.tell import say

CHROMIUM_NAMES = (
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
POSTGRES_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
)


def postgres_bindir() -> Path | None:
    """The folder that holds both `initdb` and `postgres`, the system's packages first.

    A lone `postgres` on PATH proves nothing: what is asked for is a whole installation.
    """
    places: list[Path] = []
    for pattern in POSTGRES_PLACES:
        root = Path(pattern[: pattern.index("*")]).parent
        found = root.glob(str(Path(pattern).relative_to(root))) if root.is_dir() else []
        places += sorted(found, key=_version, reverse=True)
    for name in ("pg_config", "initdb"):
        program = shutil.which(name)
        if name == "pg_config" and program:
            answer = subprocess.run(
                [program, "--bindir"], capture_output=True, text=True, check=False
            )
            places.append(Path(answer.stdout.strip()))
        elif program:
            places.append(Path(program).resolve().parent)
    return next((place for place in places if is_postgres(place)), None)


def is_postgres(place: Path) -> bool:
    return all(os.access(place / name, os.X_OK) for name in ("initdb", "postgres"))


def _version(place: Path) -> float:
    digits = "".join(c for c in place.parent.name if c.isdigit() or c == ".")
    return float(digits) if digits.replace(".", "", 1).isdigit() else 0.0


def redis_server() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")


def chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    return named or next((p for p in map(shutil.which, CHROMIUM_NAMES) if p), None)


def chinese_font() -> str | None:
    program = shutil.which("fc-list")
    if not program:
        return None
    answer = subprocess.run([program, ":lang=zh-cn"], capture_output=True, text=True, check=False)
    return answer.stdout.strip()[:1] or None


@dataclass(frozen=True)
class Need:
    """Something the tests use. `packages` are apt's, the first that installs will do."""

    name: str
    find: Callable[[], object | None]
    packages: tuple[str, ...]
    without_it: str


NEEDS = (
    Need("PostgreSQL", postgres_bindir, ("postgresql",), "PostgreSQL is taken from a wheel"),
    Need("Redis", redis_server, ("redis-server", "valkey"), "Valkey is taken from a wheel"),
    Need(
        "Chromium",
        chromium,
        ("chromium-headless-shell", "chromium"),
        "the browser tests are LEFT OUT",
    ),
    Need(
        "a Chinese font",
        chinese_font,
        ("fontconfig fonts-noto-cjk",),
        "Chinese shows as boxes in screenshots",
    ),
    Need("gettext", lambda: shutil.which("msgfmt"), ("gettext",), "catalog tests are LEFT OUT"),
)


def install_missing() -> None:
    """Installs what is missing with apt where this user may, and says what stays missing."""
    missing = [need for need in NEEDS if need.find() is None]
    if missing and may_use_apt():
        say(f"installing with apt: {', '.join(need.name for need in missing)}")
        _apt("update")
        if not _apt("install", *" ".join(need.packages[0] for need in missing).split()):
            for need in missing:
                any(_apt("install", *package.split()) for package in need.packages)
    for need in missing:
        if need.find() is None:
            say(f"no {need.name} on this machine and none could be installed: {need.without_it}")


def may_use_apt() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _apt(action: str, *packages: str) -> bool:
    options = ["-y", "--no-install-recommends"] if action == "install" else []
    done = subprocess.run(
        ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0", action, *options, *packages],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        say(f"apt-get {action} {' '.join(packages)} failed: {done.stderr.strip()[-300:]}")
    return done.returncode == 0
