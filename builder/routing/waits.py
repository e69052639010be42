"""How long a route may be silent: what it usually takes, several times over.

Learned by each process from the answers it gets itself. It only makes a silent route cheaper: a
process that has learned nothing gives the whole time.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

# Of that many answers the slowest counts, and only of the last minutes: a provider that has become
# slower than its limit would give no answer, and never be given the time to.
ANSWERS_MOST: Final = 20
ANSWERS_LEAST: Final = 5
REMEMBERED_SECONDS: Final = 600.0
TIMES_SLOWEST: Final = 4
# Long requests take longer than short ones, and a call that was given up may cost us.
LEAST_SECONDS: Final = 10.0


class Waits:
    """Seconds from call to first content, by route. Thread-safe. `ticks`: never goes back."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._lock = threading.Lock()
        self._answers: dict[str, deque[tuple[float, float]]] = {}

    def answered(self, route: str, seconds: float) -> None:
        with self._lock:
            answers = self._answers.setdefault(route, deque(maxlen=ANSWERS_MOST))
            answers.append((self._ticks(), seconds))

    def limit(self, route: str, most_seconds: float) -> float:
        """How long this route may take to its first content; `most_seconds` where little is known
        of it, and never more."""
        since = self._ticks() - REMEMBERED_SECONDS
        with self._lock:
            recent = [took for at, took in self._answers.get(route, ()) if at > since]
        if len(recent) < ANSWERS_LEAST:
            return most_seconds
        return min(max(TIMES_SLOWEST * max(recent), LEAST_SECONDS), most_seconds)
