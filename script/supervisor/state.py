"""The state folder: made when absent, and used by one supervisor at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from script.supervisor.errors import StartRefused


def claim(state_dir: Path) -> IO[str]:
    """Locks the folder for as long as the returned file is open; raises StartRefused."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        (state_dir / "logs").mkdir(exist_ok=True)
        lock = (state_dir / "supervisor.lock").open("a+")
    except OSError as error:
        raise StartRefused(
            f"the state folder {state_dir} (STATE_DIR) can not be written: {error.strerror}"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise StartRefused(
            f"another script/server (process {holder}) already uses {state_dir} (STATE_DIR). "
            "End it, or run a second copy with its own: "
            "PORT=8001 STATE_DIR=var-2 script/server"
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
