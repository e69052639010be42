"""Makes `.venv` and installs a requirements file into it, only when something changed.

    python3 script/venv.py requirements.txt

Needs nothing but Python >= 3.11 and pip. Several may run at once: they wait for each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def main(requirements: str) -> None:
    wanted = fingerprint(ROOT / requirements)
    stamp = VENV / f".installed-{requirements}"
    if is_current(stamp, wanted):
        return
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Another process may have done the work while this one waited.
        if is_current(stamp, wanted):
            return
        if not works():
            say("making .venv")
            make()
        say(f"installing {requirements} (once; later starts skip this)")
        install(requirements)
        stamp.write_text(wanted)


def fingerprint(requirements: Path) -> str:
    """Changes with the file's content and with where the environment lives."""
    return hashlib.sha256(requirements.read_bytes() + str(VENV).encode()).hexdigest()


def is_current(stamp: Path, wanted: str) -> bool:
    return stamp.is_file() and stamp.read_text() == wanted and PYTHON.exists()


def works() -> bool:
    """True if .venv holds a Python that starts and is new enough (a moved one does not)."""
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", check], check=False).returncode == 0


def make() -> None:
    complete = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if subprocess.run(complete, check=False, capture_output=True).returncode == 0:
        return
    # Debian without python3-venv has no ensurepip; the machine's own pip installs from outside.
    bare = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)]
    if subprocess.run(bare, check=False).returncode != 0:
        sys.exit("Could not make .venv: see the lines above.")


def install(requirements: str) -> None:
    inside = subprocess.run(
        [PYTHON, "-m", "pip", "--version"], check=False, capture_output=True
    ).returncode
    pip = [str(PYTHON), "-m", "pip"]
    if inside != 0:
        pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    command = [
        *pip,
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        # The file is complete and exact, so there is nothing to resolve; and only what is really
        # imported is worth compiling, which Python does by itself.
        "--no-deps",
        "--no-compile",
        "--require-hashes",
        "--requirement",
        str(ROOT / requirements),
    ]
    done = subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        # pip's chatter about mirrors is of no use to anybody while it works.
        sys.exit(f"{done.stdout}\npip could not install {requirements}: see the lines above.")


def say(text: str) -> None:
    print(f"sitewright: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
