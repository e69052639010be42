"""Log files of the children: rotated by size, and watched so that errors show on the terminal."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

ROTATE_AT_BYTES = 10 * 1024 * 1024
KEPT_FILES = 3
# Our own lines (plain or JSON), Celery's, uvicorn's and Valkey's marks of something wrong.
ERROR_LINE = re.compile(
    r'"level": ?"(?:error|critical)"|\b(?:ERROR|CRITICAL|FATAL)\b|\[(?:error|critical)\s*\]'
)
SHOWN_LINE_CHARACTERS = 300


def rotate(path: Path, *, limit_bytes: int = ROTATE_AT_BYTES) -> bool:
    """Copies a full log to `.1` (`.1` to `.2`, …) and empties it; the writer appends on.

    Copy and truncate, because the children hold the file open in append mode.
    """
    if not path.is_file() or path.stat().st_size < limit_bytes:
        return False
    for number in range(KEPT_FILES - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    with path.open("r+b") as file:
        file.truncate(0)
    return True


class LogWatch:
    """Yields the error lines that were added to one log since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0

    def new_errors(self) -> list[str]:
        try:
            size = self._path.stat().st_size
        except OSError:
            return []
        if size < self._offset:
            self._offset = 0
        if size == self._offset:
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            added = file.read(size - self._offset)
        # A half-written last line waits for the next look.
        complete = added.rfind(b"\n") + 1
        self._offset += complete
        lines = added[:complete].decode("utf-8", "replace").splitlines()
        return [line[:SHOWN_LINE_CHARACTERS] for line in lines if ERROR_LINE.search(line)]


def last_lines(path: Path, count: int = 15) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16_384))
            return file.read().decode("utf-8", "replace").splitlines()[-count:]
    except OSError:
        return []
