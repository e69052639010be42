"""What groups of processes use: CPU seconds and resident memory, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, pending = [], [pid]
    while pending:
        current = pending.pop()
        found.append(current)
        pending.extend(children.get(current, []))
    return found


def cpu_seconds(pids: list[int]) -> float:
    """User and system time so far of these processes and all below them."""
    total = 0
    for root in pids:
        for pid in family(root):
            fields = _stat(pid)
            if fields:
                total += int(fields[11]) + int(fields[12])
    return total / _TICKS_PER_SECOND


def resident_bytes(pids: list[int]) -> int:
    total = 0
    for root in pids:
        for pid in family(root):
            try:
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
            except OSError:
                continue
    return total


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat after the name (state first); empty if the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
