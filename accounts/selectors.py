"""Reads about a person's account."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import get_language

from accounts.models import User


@dataclass(frozen=True, slots=True)
class SecurityStanding:
    """How the account is protected, for its page. Counts are of this person's own rows."""

    email_verified: bool
    has_password: bool
    totp: bool
    passkeys: int
    recovery_codes: bool
    sessions: int
    social_logins: bool
    social_accounts: int


def security_of(user: User) -> SecurityStanding:
    kinds = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    return SecurityStanding(
        email_verified=EmailAddress.objects.filter(
            user=user, email__iexact=user.email, verified=True
        ).exists(),
        has_password=user.has_usable_password(),
        totp=Authenticator.Type.TOTP in kinds,
        passkeys=kinds.count(Authenticator.Type.WEBAUTHN),
        recovery_codes=Authenticator.Type.RECOVERY_CODES in kinds,
        sessions=UserSession.objects.filter(user=user).count(),
        social_logins=bool(settings.SOCIALACCOUNT_PROVIDERS),
        social_accounts=SocialAccount.objects.filter(user=user).count(),
    )


def language_of(user: User) -> str:
    """The language to tell a person something in later, when they are not here: the one they
    chose, else that of the request at hand."""
    if user.language in dict(settings.LANGUAGES):
        return user.language
    return get_language() or settings.LANGUAGE_CODE


def second_factors() -> QuerySet[Authenticator]:
    """Authenticator apps and passkeys; recovery codes alone protect nothing."""
    factors: QuerySet[Authenticator] = Authenticator.objects.exclude(
        type=Authenticator.Type.RECOVERY_CODES
    )
    return factors


def staff_without_mfa() -> int:
    """How many active staff could be taken over with a password alone."""
    staff = User.objects.filter(is_staff=True, is_active=True)
    return staff.exclude(pk__in=second_factors().values("user_id")).count()
