"""allauth's way to sign in; who a session belongs to is read by a statement compiled once."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend

from accounts.models import User
from config.prepared import PreparedSelect, slot

_USER = PreparedSelect(lambda: User.objects.filter(pk=slot(User, "id")))


class Backend(AuthenticationBackend):
    """AUTHENTICATION_BACKENDS: as allauth's own, but for how a user is looked up."""

    def get_user(self, user_id: int) -> User | None:
        """The user, unless there is none or they are disabled."""
        user = _USER.first(id=user_id)
        return user if user is not None and self.user_can_authenticate(user) else None
