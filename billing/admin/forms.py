"""What staff may do to somebody's tokens: one form per action, each with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from billing.models import Grant, Hold, StaffAction
from billing.services.adjustments import (
    TOKENS_MAX,
    debt_write_off,
    hold_void,
    tokens_claw_back,
    tokens_grant,
)


class ActionForm(forms.Form):
    """key: made when the form was rendered, so that sending it twice is one action."""

    verb = ""
    title: Any = ""
    button: Any = ""
    about: Any = ""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=5,
        max_length=2000,
        help_text=_("Kept with the action, for whoever asks later."),
        widget=forms.Textarea(attrs={"rows": 2, "cols": 60}),
    )
    key = forms.RegexField(r"\A[0-9a-f]{32}\Z", widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, subject: User) -> None:
        super().__init__(data, auto_id=f"{self.verb}-%s", initial={"key": uuid4().hex})
        self.subject = subject

    def act(self, staff: User) -> StaffAction:
        """Carry it out. Raises what the service raises."""
        raise NotImplementedError


def _tokens() -> forms.IntegerField:
    return forms.IntegerField(label=_("Tokens"), min_value=1, max_value=TOKENS_MAX)


class GrantForm(ActionForm):
    verb = "grant"
    title = _("Grant tokens")
    button = _("Grant")
    about = _("A gift or a correction. It pays debts first, and is spent before everything else.")

    tokens = _tokens()
    expires_on = forms.DateField(
        label=_("Until"),
        required=False,
        help_text=_("The last day, UTC. Empty: they do not expire."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    field_order = ("tokens", "expires_on", "reason")

    def act(self, staff: User) -> StaffAction:
        day = self.cleaned_data["expires_on"]
        midnight_after = day and datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=1)
        return tokens_grant(
            staff=staff,
            user_id=self.subject.pk,
            tokens=self.cleaned_data["tokens"],
            reason=self.cleaned_data["reason"],
            key=self.cleaned_data["key"],
            expires_at=midnight_after,
        )


class ClawBackForm(ActionForm):
    verb = "claw-back"
    title = _("Take tokens back")
    button = _("Take back")
    about = _("What was used of them already becomes a debt, paid from tokens bought later.")

    grant = forms.ModelChoiceField(Grant.objects.none(), label=_("Grant"))
    tokens = _tokens()
    field_order = ("grant", "tokens", "reason")

    def __init__(self, data: Any = None, *, subject: User) -> None:
        super().__init__(data, subject=subject)
        grants = Grant.objects.filter(user=subject).order_by("-pk")
        self.fields["grant"].queryset = grants  # type: ignore[attr-defined]

    def act(self, staff: User) -> StaffAction:
        return tokens_claw_back(
            staff=staff,
            grant_id=self.cleaned_data["grant"].pk,
            tokens=self.cleaned_data["tokens"],
            reason=self.cleaned_data["reason"],
            key=self.cleaned_data["key"],
        )


class VoidHoldForm(ActionForm):
    verb = "void-hold"
    title = _("Void a hold")
    button = _("Give its tokens back")
    about = _("For work that will never end. Its run can not be charged any more.")

    hold = forms.ModelChoiceField(Hold.objects.none(), label=_("Hold"))
    field_order = ("hold", "reason")

    def __init__(self, data: Any = None, *, subject: User) -> None:
        super().__init__(data, subject=subject)
        # Every hold of the person: sent twice, it is released already and still the same action.
        holds = Hold.objects.filter(user=subject)
        chosen = holds if data else holds.filter(state=Hold.State.OPEN)
        self.fields["hold"].queryset = chosen.order_by("-pk")  # type: ignore[attr-defined]

    def act(self, staff: User) -> StaffAction:
        return hold_void(
            staff=staff,
            hold_id=self.cleaned_data["hold"].pk,
            reason=self.cleaned_data["reason"],
            key=self.cleaned_data["key"],
        )


class WriteOffForm(ActionForm):
    verb = "write-off"
    title = _("Write off a debt")
    button = _("Write off")
    about = _("The person no longer owes these tokens.")

    grant = forms.ModelChoiceField(Grant.objects.none(), label=_("Grant"))
    tokens = _tokens()
    field_order = ("grant", "tokens", "reason")

    def __init__(self, data: Any = None, *, subject: User) -> None:
        super().__init__(data, subject=subject)
        grants = Grant.objects.filter(user=subject)
        chosen = grants if data else grants.filter(owed__gt=0)
        self.fields["grant"].queryset = chosen.order_by("-pk")  # type: ignore[attr-defined]

    def act(self, staff: User) -> StaffAction:
        return debt_write_off(
            staff=staff,
            grant_id=self.cleaned_data["grant"].pk,
            tokens=self.cleaned_data["tokens"],
            reason=self.cleaned_data["reason"],
            key=self.cleaned_data["key"],
        )


ACTIONS: dict[str, type[ActionForm]] = {
    form.verb: form for form in (GrantForm, ClawBackForm, VoidHoldForm, WriteOffForm)
}
