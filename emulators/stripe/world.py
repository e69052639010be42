"""One emulated Stripe: its objects, its clock, what is due when, and what it tells the world."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from emulators.stripe.clock import Clock
from emulators.stripe.courier import Courier
from emulators.stripe.ids import random_letters
from emulators.stripe.objects.hooks import event
from emulators.stripe.objects.people import ACCOUNT_ID, account
from emulators.stripe.store import Object, Store, copied

logger = logging.getLogger(__name__)

HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400
EVENTS_KEPT_SECONDS = 30 * DAY_SECONDS
EVENTS_KEPT = 5_000


class Settings(BaseModel):
    """What an account can set about its billing; seconds are the emulated clock's."""

    model_config = ConfigDict(extra="forbid")

    draft_seconds: int = Field(
        default=HOUR_SECONDS, ge=0, description="before a renewal is charged"
    )
    retry_days: list[int] = Field(
        default=[3, 5, 7], description="days from a failure to the next try"
    )
    after_retries: str = Field(default="cancel", pattern="^(cancel|unpaid|past_due)$")
    delayed_payment_seconds: int = Field(default=3 * DAY_SECONDS, ge=0)
    incomplete_seconds: int = Field(default=23 * HOUR_SECONDS, ge=0)


Action = Callable[["World", Object], None]


class World:
    """Everything that one running emulator knows. `lock` guards all of it."""

    def __init__(
        self,
        *,
        path: Path | None = None,
        clock: Clock | None = None,
        url: str = "",
        webhook_secret: str = "",
        settings: Settings | None = None,
        actions: dict[str, Action] | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.store = Store(path)
        self.url = url
        self.webhook_secret = webhook_secret or f"whsec_{random_letters(32)}"
        self._first_settings = settings or Settings()
        self.actions = actions or {}
        # The id and idempotency key of the request that is being answered: events name it.
        self.request: dict[str, str | None] = {"id": None, "idempotency_key": None}
        self.clock = clock or Clock()
        self.clock.set(self.clock.exact() + self.store.meta.get("ahead_seconds", 0.0))
        self.courier = Courier(self.store, self.lock)
        # Called with each event, beside the courier: for whoever delivers them by hand.
        self.listener: Callable[[Object], object] | None = None
        for endpoint in self.store.all("webhook_endpoint") if webhook_secret else ():
            self.store.note(endpoint["id"])["secret"] = webhook_secret
        self.begin()

    def begin(self) -> None:
        """Make what an account always has."""
        if self.store.find(ACCOUNT_ID) is None:
            self.store.save(account(created=self.now()))
        self.store.commit()

    def now(self) -> int:
        """The emulated time in whole seconds since 1970."""
        return self.clock.now()

    @property
    def settings(self) -> Settings:
        kept = self.store.meta.get("settings")
        return Settings.model_validate(kept) if kept else self._first_settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self.store.meta["settings"] = settings.model_dump()

    def emit(self, kind: str, thing: Object, previous: dict[str, Any] | None = None) -> Object:
        """Record that something happened to an object, and tell the endpoints that listen."""
        happened = event(
            kind=kind,
            thing=copied(thing),
            previous=previous,
            request=dict(self.request),
            created=self.now(),
        )
        self.store.save(happened)
        self.courier.post(happened)
        if self.listener is not None:
            self.listener(happened)
        return happened

    def change(self, thing: Object, kind: str, **fields: Any) -> Object:
        """Change fields of an object and emit the event with what they were before."""
        before = {name: thing.get(name) for name in fields if thing.get(name) != fields[name]}
        thing.update(fields)
        self.store.save(thing)
        self.emit(kind, thing, before)
        return thing

    def schedule(self, action: str, target: Object, at: int) -> None:
        """Have something done to an object when the clock gets there; replaces an earlier date."""
        self.store.save(
            {
                "id": f"due_{action}_{target['id']}",
                "object": "_due",
                "at": at,
                "action": action,
                "target": target["id"],
            }
        )

    def unschedule(self, action: str, target: Object) -> None:
        """Have it not done."""
        self.store.remove(f"due_{action}_{target['id']}")

    def due_at(self, action: str, target: Object) -> int | None:
        """When it is going to be done."""
        row = self.store.find(f"due_{action}_{target['id']}")
        return row["at"] if row else None

    def advance(self, until: float) -> int:
        """Move the clock, doing on the way what falls due, in order; returns how many things."""
        done = 0
        while row := self._first_due(until):
            self.clock.set(row["at"])
            self.store.remove(row["id"])
            target = self.store.find(row["target"])
            if target is not None:
                self._act(row["action"], target)
            done += 1
        self.clock.set(until)
        self.store.meta["ahead_seconds"] = max(0.0, self.clock.ahead_seconds())
        self._forget_old_events()
        return done

    def _act(self, action: str, target: Object) -> None:
        try:
            self.actions[action](self, target)
        except Exception:  # one thing that can not be done must not stop the clock
            logger.exception("%s of %s", action, target["id"])

    def tick(self) -> None:
        """Do what has fallen due by itself."""
        if self._first_due(self.clock.exact()) is not None:
            self.advance(self.clock.exact())
            self.store.commit()

    def reset(self) -> None:
        """Forget everything but the clock's time."""
        self.courier.forget()
        self.store.clear()
        self.begin()
        self.store.rewrite()

    def close(self) -> None:
        """Stop delivering and write the rest."""
        self.courier.close()
        self.store.close()

    def _first_due(self, until: float) -> Object | None:
        rows = [row for row in self.store.all("_due") if row["at"] <= until]
        return min(rows, key=lambda row: row["at"], default=None)

    def _forget_old_events(self) -> None:
        """Stripe lists events for 30 days; older ones go where there are many, once delivered."""
        events = self.store.all("event")
        oldest = self.now() - EVENTS_KEPT_SECONDS
        for happened in events[:-EVENTS_KEPT]:
            if happened["created"] < oldest and not happened["pending_webhooks"]:
                self.courier.drop_event(happened["id"])
                self.store.remove(happened["id"])
