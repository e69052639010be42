"""The account page's form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.zones import zone_choices


def _languages() -> list[tuple[str, Any]]:
    # Languages by their own names: who needs the choice may not read ours.
    own_names = {"en": "English", "zh-hans": "简体中文"}
    named = [(code, own_names.get(code, name)) for code, name in settings.LANGUAGES]
    return [("", _("As my browser says")), *named]


class PreferencesForm(forms.Form):
    language = forms.ChoiceField(label=_("Language"), choices=_languages, required=False)
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=zone_choices,
        help_text=_(
            "Times and token resets are shown in it. Resets themselves happen at 00:00 UTC."
        ),
        error_messages={
            "invalid_choice": _(
                "“%(value)s” is not a time zone. Choose a place such as Europe/Paris."
            )
        },
    )

    @classmethod
    def of(cls, user: User) -> PreferencesForm:
        return cls(initial={"language": user.language, "time_zone": user.time_zone})
