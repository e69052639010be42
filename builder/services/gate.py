"""Few at once in the parts of a run that are all computing, so that starting is a queue.

The threads of a process share one interpreter. If two hundred runs start at once and all are let
to, each is as late as the last one, and so is the text of those that have begun. A worker holds
its gate from taking a run to calling its provider, and from judging the answer to the end; a web
process while it stores a start and while it lets a reader in. None is held while waiting for a
provider or for Redis, nor between the tries of a database that is away.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 3
REQUESTS_AT_ONCE = 2


class Gate:
    """Lets `at_once` threads in; the others wait. A thread may enter or leave twice: no effect."""

    def __init__(self, at_once: int) -> None:
        self._free = threading.BoundedSemaphore(at_once)
        self._own = threading.local()

    def enter(self) -> None:
        if not getattr(self._own, "inside", False):
            self._free.acquire()
            self._own.inside = True

    def leave(self) -> None:
        if getattr(self._own, "inside", False):
            self._own.inside = False
            self._free.release()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside for a block, or until `leave` is called in it."""
        self.enter()
        try:
            yield
        finally:
            self.leave()


gate = Gate(AT_ONCE)
request_gate = Gate(REQUESTS_AT_ONCE)
