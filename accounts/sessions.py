"""Django's sessions in the database, read by a statement that is compiled once.

Each request of a person reads its session: twice to start and watch a run.
"""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from config.prepared import PreparedSelect, slot

_LIVE = PreparedSelect(
    lambda: Session.objects.filter(
        session_key=slot(Session, "session_key"), expire_date__gt=slot(Session, "expire_date")
    )
)


class SessionStore(DatabaseSessionStore):
    """SESSION_ENGINE: as Django's own, but for how a session is looked up."""

    def _get_session_from_db(self) -> Session | None:
        found = _LIVE.first(session_key=self.session_key, expire_date=timezone.now())
        if found is None:
            self._session_key = None
        return found
