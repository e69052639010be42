"""What a failed run says: what happened, what it cost, the next step."""

from __future__ import annotations

from django.utils.translation import gettext as _

from builder.providers.errors import ProviderError
from builder.services.monitor import StopReason


def provider_message(error: ProviderError, provider_name: str) -> str:
    """For a person, by the kind of failure. The provider's own words stay with staff."""
    name = {"provider": provider_name}
    if error.account or error.code in {"unauthorized", "payment_required"}:
        return (
            _(
                "%(provider)s does not serve us at the moment; that is our problem, not yours."
                " Not charged. Choose another model, or try later."
            )
            % name
        )
    if error.code == "context_too_long":
        return _(
            "The site and the request are too long for this model. Not charged."
            " Choose a model with a larger context window."
        )
    if error.code == "refused":
        return _("The provider refused this request for safety reasons. Not charged. Reword it.")
    if error.code == "rate_limited":
        return (
            _(
                "%(provider)s is overloaded right now. Not charged."
                " Try again in a minute, or choose another model."
            )
            % name
        )
    if error.code in {"bad_request", "not_found"}:
        return (
            _("%(provider)s did not accept the request. Not charged. Choose another model.") % name
        )
    if error.code == "cut":
        return _("%(provider)s broke off before the end. Not charged. Try again.") % name
    if error.code == "timeout":
        return _("%(provider)s did not answer in time. Not charged. Try again.") % name
    return (
        _("%(provider)s could not be reached or failed. Not charged. Try again, or another model.")
        % name
    )


def stop_message(reason: StopReason) -> str:
    if reason == "first_token_timeout":
        return _("The model did not begin to answer within two minutes. Not charged. Try again.")
    if reason == "idle_timeout":
        return _("The model fell silent for a minute and was stopped. Not charged. Try again.")
    if reason == "total_timeout":
        return _("The answer took longer than ten minutes. Not charged. Ask for less at once.")
    if reason == "too_long":
        return _(
            "The answer grew far beyond its limit and was stopped. Not charged."
            " Try again, or choose another model."
        )
    return _("The run was interrupted on our side. Not charged. Try again.")
