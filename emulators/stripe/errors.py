"""What goes wrong, in Stripe's own words and shape: https://docs.stripe.com/api/errors"""

from __future__ import annotations

from typing import Any


class StripeError(Exception):
    """An answer that is an error; `body` is what goes over the wire."""

    status = 400
    type = "invalid_request_error"

    def __init__(
        self, message: str, *, code: str = "", param: str = "", status: int = 0, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status or self.status
        self.code = code
        self.param = param
        self.more = more

    @property
    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"message": str(self), "type": self.type}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        return {"error": error | self.more}


class InvalidRequest(StripeError):
    """Something in the request can not be."""


class Unauthorized(StripeError):
    """No key, or one that is none."""

    status = 401


class NoSuch(StripeError):
    """An id that nothing has: 404 in the path, 400 in a parameter."""

    def __init__(self, kind: str, object_id: str, *, param: str = "id") -> None:
        words = _NAMES.get(kind, kind)
        super().__init__(
            f"No such {words}: '{object_id}'",
            code="resource_missing",
            param=param,
            status=404 if param == "id" else 400,
        )


class CardError(StripeError):
    """The bank said no."""

    status = 402
    type = "card_error"


class IdempotencyError(StripeError):
    """A key that was used for another request."""

    type = "idempotency_error"


class ProviderError(StripeError):
    """Stripe's own trouble: only when a control asked for it."""

    status = 500
    type = "api_error"


_NAMES = {
    "payment_method": "PaymentMethod",
    "billing_portal.session": "portal session",
    "webhook_endpoint": "webhook endpoint",
}
