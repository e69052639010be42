"""Keeps a set of children running: restarts with back-off, gives up with a clear message."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from script.supervisor.errors import StartRefused
from script.supervisor.logs import last_lines, rotate
from script.supervisor.process import Child, end_together
from script.supervisor.tell import say

QUICK_DEATH_SECONDS = 30.0
QUICK_DEATHS_ALLOWED = 5
BACKOFF_FIRST_SECONDS = 0.5
BACKOFF_MAX_SECONDS = 15.0


@dataclass
class Watched:
    """A child, its quick deaths in a row, and when to start it again (monotonic seconds)."""

    child: Child
    quick_deaths: int = 0
    start_at: float | None = None


@dataclass
class Supervisor:
    """Children in starting order; they are ended in the groups that they were added in."""

    groups: list[list[Watched]] = field(default_factory=list)

    def add_group(self, children: list[Child]) -> None:
        """Starts the children; a later group is ended before an earlier one."""
        group = [Watched(child) for child in children]
        self.groups.append(group)
        for watched in group:
            watched.child.start()

    @property
    def watched(self) -> list[Watched]:
        return [watched for group in self.groups for watched in group]

    def look(self, now: float | None = None) -> None:
        """Restarts what died, when its time has come; raises StartRefused when it is hopeless."""
        now = time.monotonic() if now is None else now
        for watched in self.watched:
            if watched.start_at is not None:
                if now >= watched.start_at:
                    watched.start_at = None
                    watched.child.start()
            elif not watched.child.is_alive():
                self._died(watched, now)

    def _died(self, watched: Watched, now: float) -> None:
        child = watched.child
        quick = now - child.started_at < QUICK_DEATH_SECONDS
        watched.quick_deaths = watched.quick_deaths + 1 if quick else 1
        name = child.service.name
        if watched.quick_deaths >= QUICK_DEATHS_ALLOWED:
            lines = "\n".join(f"    {line}" for line in last_lines(child.log))
            raise StartRefused(
                f"{name} ended {watched.quick_deaths} times in a row soon after its start "
                f"({child.exit_words()}), so everything is ended. "
                f"Its log {child.log} says:\n{lines}"
            )
        delay = min(BACKOFF_FIRST_SECONDS * 2 ** (watched.quick_deaths - 1), BACKOFF_MAX_SECONDS)
        watched.start_at = now + delay
        say(f"{name} ended ({child.exit_words()}); starting it again in {delay:g} s: {child.log}")

    def show_errors(self) -> None:
        """Passes error lines of the children's logs on to the terminal."""
        for watched in self.watched:
            for line in watched.child.watch.new_errors():
                say(f"[{watched.child.service.name}] {line}")

    def rotate_logs(self) -> None:
        for watched in self.watched:
            rotate(watched.child.log)

    def end(self) -> None:
        """Ends the groups from the last to the first, each child within its patience."""
        for group in reversed(self.groups):
            for name in end_together([watched.child for watched in group]):
                say(f"{name} did not end in time and was killed")
        self.groups.clear()

    def kill(self) -> None:
        for watched in self.watched:
            watched.child.kill()
