"""The emulator's own clock: it starts at the machine's time, ticks, and is moved by the control.

It reads the monotonic clock, so a test that travels in time moves it only through the control.
"""

from __future__ import annotations

import time


class Clock:
    """Seconds since 1970, in UTC. It is never set back."""

    def __init__(self, *, start: float | None = None, frozen: bool = False) -> None:
        self._base = time.time() if start is None else start
        self._since = time.monotonic()
        self.frozen = frozen

    def exact(self) -> float:
        """Now, with fractions of a second."""
        return self._base if self.frozen else self._base + time.monotonic() - self._since

    def now(self) -> int:
        """Now, in whole seconds, as Stripe writes it."""
        return int(self.exact())

    def set(self, moment: float) -> None:
        """Go forward to a moment; earlier ones are ignored."""
        self._base = max(moment, self.exact())
        self._since = time.monotonic()

    def ahead_seconds(self) -> float:
        """How far it is ahead of the machine's clock: what a restart must keep."""
        return self.exact() - time.time()
