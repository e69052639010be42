"""What can go wrong with tokens, in words a person can act on."""

from __future__ import annotations

from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext

from config.errors import Conflict, InvalidInput, PaymentRequired


class InsufficientTokens(PaymentRequired):
    """There is less than the work needs. Nothing was taken.

    required: the least that would have done, tokens. available: what can be spent now, tokens.
    extra: further members for the JSON body, e.g. `affordableModels`, `upgradeUrl`.
    """

    def __init__(self, *, required: int, available: int, **extra: Any) -> None:
        message = gettext(
            "This needs at least %(required)s tokens and you have %(available)s. Nothing was"
            " charged. Choose a cheaper model or a shorter request, or get more tokens."
        ) % {"required": intcomma(required), "available": intcomma(available)}
        super().__init__(message, required=required, available=available, **extra)
        self.required = required
        self.available = available


class HoldAlreadyReleased(Conflict):
    """A settlement came after the hold had been given back: the tokens are no longer set aside."""

    code = "hold_released"


class HoldAlreadySettled(Conflict):
    """A release came after the hold had been charged: what is spent stays spent."""

    code = "hold_settled"


class GrantConflict(Conflict):
    """One business fact (`source`) was to become two different grants."""

    code = "grant_conflict"


class AdjustmentRefused(InvalidInput):
    """Staff asked for something that can not be done to these tokens. Nothing was changed."""

    code = "adjustment_refused"


class AdjustmentConflict(Conflict):
    """The key of a staff action was used before, for something else. Nothing was changed."""

    code = "idempotency_conflict"


class NotSubscribed(Conflict):
    """There is no subscription that this could be done to. Nothing was changed or charged."""

    code = "not_subscribed"

    def __init__(self, message: str = "") -> None:
        super().__init__(
            message
            or gettext(
                "You have no subscription that is running. Nothing was changed or charged. You can"
                " subscribe on the pricing page."
            )
        )


class NothingBought(Conflict):
    """The customer portal is for people who bought something. Nothing was changed."""

    code = "nothing_bought"

    def __init__(self) -> None:
        super().__init__(
            gettext(
                "You have not bought anything yet, so there are no invoices or cards to show."
                " Nothing was charged. What is on sale is on the pricing page."
            )
        )


class LedgerBroken(RuntimeError):
    """The ledger contradicts itself: a bug or a hand in the database, never a user's doing."""
